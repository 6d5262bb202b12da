/** A CloudEvents 1.0.2 event in JSON, structured mode: the whole event is the body. */
export interface CloudEvent {
  readonly specversion: '1.0';
  /** Unique among all events of all installations, the same at every delivery; no dot (it is signed). */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: object;
}

/** What differs from event to event. */
export interface EventContent {
  readonly id: string;
  readonly type: string;
  /** Name of the experiment, or of the webhook in a test. */
  readonly subject: string;
  readonly atMs: number;
  readonly data: object;
}

export const CLOUD_EVENT_MEDIA_TYPE = 'application/cloudevents+json; charset=utf-8';

/** The path that subjects are found below. */
const SOURCE = '/api/v1/experiments';

export function cloudEvent({ id, type, subject, atMs, data }: EventContent): CloudEvent {
  return {
    specversion: '1.0',
    id,
    source: SOURCE,
    type,
    subject,
    time: new Date(atMs).toISOString(),
    datacontenttype: 'application/json',
    data,
  };
}
