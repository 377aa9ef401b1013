/** Where else to look, for the console's pages. */
export class ConsoleLinks {
  constructor(
    /** With {traceId}, e.g. `http://localhost:16686/trace/{traceId}`. */
    readonly traceUrl: string | undefined,
  ) {}
}
