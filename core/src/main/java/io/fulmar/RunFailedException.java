package io.fulmar;

/** A run did not end well; {@link #report} says how. Thrown by {@link SyncReport#throwIfFailed}. */
public final class RunFailedException extends FulmarException {
  private static final long serialVersionUID = 1L;

  private final transient SyncReport report;

  RunFailedException(SyncReport report) {
    super(report.problem().orElse(""));
    this.report = report;
    if (report.error() != null) {
      initCause(report.error());
    }
  }

  /** The whole report. */
  public SyncReport report() {
    return report;
  }
}
