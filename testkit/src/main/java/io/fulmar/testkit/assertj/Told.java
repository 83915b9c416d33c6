package io.fulmar.testkit.assertj;

import io.fulmar.ChangeSet;
import io.fulmar.FailureCodes;
import io.fulmar.InvalidRow;
import io.fulmar.Operation;
import io.fulmar.RunStatus;
import io.fulmar.SyncReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** What messages say of a run or a plan: counts, codes and remedies, and no values. */
final class Told {
  private static final String INDENT = "%n  ";

  private Told() {}

  /** Lines, the later ones indented. */
  static String lines(String first, List<String> more) {
    StringBuilder text = new StringBuilder(first);
    more.forEach(line -> text.append(INDENT.formatted()).append(line));
    return text.toString();
  }

  static List<String> of(SyncReport report) {
    List<String> lines = new ArrayList<>();
    lines.add("status " + report.status());
    for (Operation operation : Operation.values()) {
      SyncReport.Counts counts = report.counts(operation);
      if (counts.planned() > 0) {
        lines.add(
            "%s: %s planned, %s accepted, %s skipped, %s failed, %s aborted"
                .formatted(
                    word(operation),
                    counts.planned(),
                    counts.accepted(),
                    counts.skipped(),
                    counts.failed(),
                    counts.aborted()));
      }
    }
    if (report.total().planned() == 0) {
      lines.add("nothing was planned");
    }
    for (SyncReport.FailureGroup group : report.failures()) {
      lines.add(
          "%s %s failed with %s".formatted(group.count(), word(group.operation()), group.code()));
    }
    ChangeSet plan = report.changeSet();
    if (plan != null) {
      lines.addAll(rest(plan));
    }
    report.problem().ifPresent(lines::add);
    lines.addAll(remedies(report));
    return lines;
  }

  static List<String> of(ChangeSet plan) {
    List<String> lines = new ArrayList<>();
    lines.add(
        "%s rows in the model, %s synced keys; %s added, %s changed, %s removed planned"
            .formatted(
                plan.rows(),
                plan.syncedKeys(),
                plan.planned(Operation.ADDED),
                plan.planned(Operation.CHANGED),
                plan.planned(Operation.REMOVED)));
    plan.guards().forEach(guard -> lines.add("a guard says: " + guard));
    lines.addAll(rest(plan));
    if (plan.invalid() > 0) {
      lines.add(ofInvalid());
    }
    return lines;
  }

  private static List<String> rest(ChangeSet plan) {
    List<String> lines = new ArrayList<>();
    if (plan.invalid() > 0) {
      Map<InvalidRow.Reason, Long> reasons = new TreeMap<>();
      plan.invalidRows().forEach(row -> reasons.merge(row.reason(), row.rows(), Long::sum));
      lines.add("%s rows are invalid %s".formatted(plan.invalid(), reasons));
    }
    if (plan.held() > 0) {
      lines.add(
          "%s changes are held: quarantined or skipped in this version".formatted(plan.held()));
    }
    if (plan.ignored() > 0) {
      lines.add(
          "%s rows left the model and are ignored: the sync says onRemoved(IGNORE)"
              .formatted(plan.ignored()));
    }
    return lines;
  }

  private static List<String> remedies(SyncReport report) {
    List<String> lines = new ArrayList<>();
    ChangeSet plan = report.changeSet();
    TreeSet<String> codes = new TreeSet<>();
    report.failures().forEach(group -> codes.add(group.code()));
    for (String code : codes) {
      lines.add("-> " + code + ": " + remedy(code));
    }
    if (plan != null && plan.invalid() > 0) {
      lines.add(ofInvalid());
    }
    if (plan != null && plan.held() > 0) {
      lines.add(
          "-> engine.holds(sync, n) and engine.explain(sync, key) say why, engine.release lets go");
    }
    if (report.status() == RunStatus.HELD) {
      lines.add(
          "-> if the test means this plan, approve it, or set the guard of the sync (guardRemovals, guardChanges, guardReturn, onEmptyModel)");
    }
    return lines;
  }

  private static String ofInvalid() {
    return "-> let the model return each key once, and no NULL in it";
  }

  private static String remedy(String code) {
    return switch (code) {
      case FailureCodes.UNKNOWN_OUTCOME ->
          "the destination threw, did not answer in time or left changes out of its answer";
      case FailureCodes.CONTRACT_VIOLATION ->
          "the destination named a change twice, or one that was not in the batch";
      case FailureCodes.COMPUTE_FAILED -> "a function of the mapping threw";
      case FailureCodes.VALUE_WITHOUT_FORM -> "a computed column gave a value that no row can have";
      case FailureCodes.ROW_TOO_LARGE -> "raise Sync.Builder.maxRowBytes, or select less";
      default ->
          "the destination refused it; report.failures() has its message, and it comes back in the next run";
    };
  }

  static String word(Operation operation) {
    return operation.name().toLowerCase(Locale.ROOT);
  }
}
