package io.fulmar;

import org.jspecify.annotations.Nullable;

/** A run did not end well; {@link #report} says how. Thrown by {@link SyncReport#throwIfFailed}. */
public final class RunFailedException extends FulmarException {
  private static final long serialVersionUID = 1L;

  private final transient SyncReport report;

  RunFailedException(SyncReport report) {
    super(message(report));
    this.report = report;
    if (report.error() != null) {
      initCause(report.error());
    }
  }

  /** The whole report. */
  public SyncReport report() {
    return report;
  }

  private static String message(SyncReport report) {
    @Nullable FulmarException error = report.error();
    if (error != null && error.getMessage() != null) {
      return error.getMessage();
    }
    return "Cannot call the run good: it ended as %s. Look at the report. [sync=%s run=%d]"
        .formatted(report.status(), report.sync(), report.run());
  }
}
