/** Names of ours (models, versions, metrics, variants, experiments) are safe in URLs, files and SQL literals. */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9._-]{0,62}$/;
