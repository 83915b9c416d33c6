package io.fulmar;

import java.util.List;
import java.util.stream.Collectors;

/** A check found what will not work. Thrown by {@link CheckReport#throwIfFailed}. */
public final class CheckFailedException extends FulmarException {
  private static final long serialVersionUID = 1L;

  private final transient CheckReport report;

  CheckFailedException(CheckReport report) {
    super(message(report));
    this.report = report;
  }

  private static String message(CheckReport report) {
    List<CheckReport.Step> failed =
        report.steps().stream()
            .filter(step -> step.verdict() == CheckReport.Verdict.FAILED)
            .toList();
    String facts =
        failed.stream()
            .map(step -> step.name() + ": " + String.join("; ", step.found()))
            .collect(Collectors.joining("; "));
    String remedies =
        failed.stream()
            .flatMap(step -> step.remedies().stream())
            .distinct()
            .map(remedy -> remedy + ".")
            .collect(Collectors.joining(" "));
    String thing = report.sync() == null ? report.source() : report.sync();
    String tail = report.sync() == null ? "" : "sync=" + report.sync();
    return CheckReport.visible(
        "Cannot rely on %s: %s of %s steps of its check failed (%s). %s [%s]"
            .formatted(
                thing,
                failed.size(),
                report.steps().size(),
                facts,
                remedies.isEmpty() ? "Mend these." : remedies,
                tail));
  }

  /** The whole report. */
  public CheckReport report() {
    return report;
  }
}
