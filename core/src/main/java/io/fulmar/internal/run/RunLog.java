package io.fulmar.internal.run;

import io.fulmar.ChangeSet;
import io.fulmar.Operation;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import java.time.Duration;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a run writes to the log: one line when it starts and one when it ends, one warning per
 * operation and code of rejected changes, one error with the remedy if it went badly. No values.
 */
final class RunLog {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  private RunLog() {}

  static void started(Sync sync, long run) {
    LOG.info(
        "sync={} run={} started model={} destination={}",
        sync.name(),
        run,
        sync.model().name(),
        escaped(sync.destination().identity()));
  }

  static void late(RunEvent.AnsweredLate late) {
    LOG.warn(
        "sync={} run={} late=\"{}\" sent={} accepted={} skipped={} rejected={}: not taken",
        late.sync(),
        late.run(),
        escaped(late.what()),
        late.sent(),
        late.accepted(),
        late.skipped(),
        late.rejected());
  }

  static void ended(SyncReport report) {
    for (SyncReport.FailureGroup group : report.failures()) {
      LOG.warn(
          "sync={} run={} failed={} operation={} code={} message=\"{}\"",
          report.sync(),
          report.run(),
          group.count(),
          group.operation(),
          escaped(group.code()),
          escaped(group.message()));
    }
    if (report.abandonedCalls() > 0) {
      LOG.warn(
          "sync={} run={} abandoned={}: calls that did not end, left behind with their threads",
          report.sync(),
          report.run(),
          report.abandonedCalls());
    }
    if (report.status() == RunStatus.FAILED || report.status() == RunStatus.HELD) {
      LOG.error("{}", escaped(report.problem().orElse("")));
    }
    LOG.info("{}", line(report));
  }

  private static String line(SyncReport report) {
    ChangeSet set = report.changeSet();
    SyncReport.Counts total = report.total();
    return String.format(
        Locale.ROOT,
        "sync=%s run=%s status=%s way=%s added=%s changed=%s removed=%s succeeded=%s failed=%s held=%s invalid=%s"
            + " plan=%s deliver=%s fold=%s",
        report.sync(),
        report.run(),
        report.status(),
        report.way().map(way -> way.kind().name().toLowerCase(Locale.ROOT)).orElse("none"),
        report.counts(Operation.ADDED).planned(),
        report.counts(Operation.CHANGED).planned(),
        report.counts(Operation.REMOVED).planned(),
        total.succeeded(),
        total.failed(),
        set == null ? 0 : set.held(),
        set == null ? 0 : set.invalid(),
        seconds(report.times().plan()),
        seconds(report.times().deliver()),
        seconds(report.times().fold()));
  }

  private static String seconds(Duration duration) {
    return String.format(Locale.ROOT, "%.1fs", duration.toMillis() / 1000.0);
  }

  /** Control characters and quotes as escapes, so that a message cannot pass for another line. */
  static String escaped(String text) {
    StringBuilder result = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c -> {
              if (c == '"' || c == '\\') {
                result.append('\\').appendCodePoint(c);
              } else if (Character.isISOControl(c)
                  || Character.getType(c) == Character.FORMAT
                  || c == 0x2028
                  || c == 0x2029) {
                result.append(String.format(Locale.ROOT, "\\u%04x", c));
              } else {
                result.appendCodePoint(c);
              }
            });
    return result.toString();
  }
}
