/**
 * Descriptors (files and sockets) that this process may have open at once.
 *
 * @returns null where the system sets no limit or does not tell it
 */
export function openFilesLimit(): number | null {
  // without it the report looks up the names of all peers
  Object.assign(process.report, { excludeNetwork: true });
  const { userLimits } = process.report.getReport() as {
    userLimits?: { open_files?: { soft: number | 'unlimited' } };
  };
  const limit = userLimits?.open_files?.soft;
  return typeof limit === 'number' ? limit : null;
}
