// Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) from an answer's body: EventSource can only GET.

export interface ServerEvent {
  event: string;
  data: string;
}

// Takes text in pieces and gives the events that are complete.
export class EventParser {
  private rest = '';
  private event = '';
  private data: string[] = [];

  push(piece: string): ServerEvent[] {
    const found: ServerEvent[] = [];
    this.rest += piece;
    // A "\r" at the end may be half of a line end.
    const complete = this.rest.endsWith('\r') ? this.rest.length - 1 : this.rest.length;
    const lines = this.rest.slice(0, complete).split(/\r\n|\n|\r/);
    this.rest = (lines.pop() ?? '') + this.rest.slice(complete);
    for (const line of lines) {
      if (line === '') {
        if (this.data.length > 0) found.push({ event: this.event || 'message', data: this.data.join('\n') });
        this.event = '';
        this.data = [];
        continue;
      }
      const colon = line.indexOf(':');
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (name === 'event') this.event = value;
      else if (name === 'data') this.data.push(value);
    }
    return found;
  }
}
