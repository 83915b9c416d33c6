package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.FailureCodes;
import io.fulmar.Operation;
import io.fulmar.SyncReport.Counts;
import io.fulmar.SyncReport.FailureGroup;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.Outcome.Kind;
import io.fulmar.internal.store.PlannedChange;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Outcomes of batches that are all of one operation, counted and grouped. */
class TallyTest {
  private final Tally tally = new Tally();

  private static Outcome outcome(Kind kind, boolean unsure, @Nullable String code) {
    return new Outcome(
        kind, unsure, 0, code == null ? null : new Hold.Reason(code, "about " + code));
  }

  private static Outcome rejected(String code) {
    return outcome(Kind.REJECTED, false, code);
  }

  private void add(Operation operation, Outcome... outcomes) {
    List<PlannedChange> changes = new ArrayList<>();
    for (int i = 0; i < outcomes.length; i++) {
      changes.add(Changes.of(i, operation, i));
    }
    tally.add(changes, List.of(outcomes));
  }

  private void add(int count, Outcome outcome) {
    for (int i = 0; i < count; i++) {
      add(Operation.ADDED, outcome);
    }
  }

  @Test
  void nothingIsCountedAtFirst() {
    assertThat(tally.counts(Map.of(Operation.ADDED, 3L)))
        .isEqualTo(
            Map.of(
                Operation.ADDED,
                new Counts(3, 0, 0, 0),
                Operation.CHANGED,
                new Counts(0, 0, 0, 0),
                Operation.REMOVED,
                new Counts(0, 0, 0, 0)));
    assertThat(tally.failures()).isEmpty();
    assertThat(tally.done()).isZero();
    assertThat(tally.calls()).isZero();
    assertThat(tally.abandoned()).isZero();
    assertThat(tally.tooManyFailed(0, 1)).isNull();
  }

  @Test
  @DisplayName("what was not tried has failed only if some call may have applied it")
  void changeThatWasNotTriedHasFailedIfItIsUnsure() {
    add(
        Operation.REMOVED,
        Outcome.NOT_TRIED,
        outcome(Kind.NOT_TRIED, true, null),
        outcome(Kind.NOT_TRIED, true, "LATER"),
        Outcome.NOT_TRIED);
    assertThat(tally.counts(Map.of(Operation.REMOVED, 9L)).get(Operation.REMOVED))
        .isEqualTo(new Counts(9, 0, 0, 2));
    assertThat(tally.failures())
        .containsExactly(
            new FailureGroup(
                Operation.REMOVED,
                FailureCodes.UNKNOWN_OUTCOME,
                "the call ended without an answer",
                1),
            new FailureGroup(Operation.REMOVED, "LATER", "about LATER", 1));
    assertThat(tally.done()).isEqualTo(4);
  }

  @Test
  void everyKindOfOutcomeIsCountedOnceUnderItsOperation() {
    add(
        Operation.CHANGED,
        Outcome.ACCEPTED,
        Outcome.ACCEPTED,
        Outcome.ACCEPTED,
        Outcome.SKIPPED,
        Outcome.SKIPPED,
        rejected("A"),
        outcome(Kind.REJECTED_TOGETHER, false, "A"),
        outcome(Kind.UNKNOWN, true, null),
        outcome(Kind.UNKNOWN_ALONE, true, null),
        Outcome.NOT_TRIED);
    add(Operation.ADDED, rejected("A"));
    Map<Operation, Counts> counts = tally.counts(Map.of(Operation.CHANGED, 10L));
    assertThat(counts.get(Operation.CHANGED)).isEqualTo(new Counts(10, 3, 2, 4));
    assertThat(counts.get(Operation.ADDED)).isEqualTo(new Counts(0, 0, 0, 1));
    assertThat(counts.get(Operation.REMOVED)).isEqualTo(new Counts(0, 0, 0, 0));
    assertThat(tally.done()).isEqualTo(11);
  }

  // ---------------------------------------------------------------------------------- groups

  @Test
  @DisplayName("97 codes are named; those that come after them are counted together")
  void codesBeyondTheNinetySeventhAreCountedTogether() {
    for (int i = 0; i < 97; i++) {
      add(Operation.ADDED, rejected("E" + (100 + i)));
    }
    assertThat(tally.failures()).hasSize(97);
    assertThat(tally.failures().get(96))
        .isEqualTo(new FailureGroup(Operation.ADDED, "E196", "about E196", 1));

    add(3, rejected("E197"));
    add(2, rejected("E198"));
    add(4, rejected("E100"));
    add(Operation.REMOVED, rejected("E100"));
    List<FailureGroup> failures = tally.failures();
    assertThat(failures).hasSize(99);
    assertThat(failures.subList(0, 2))
        .containsExactly(
            new FailureGroup(Operation.ADDED, "E100", "about E100", 5),
            new FailureGroup(Operation.ADDED, "FULMAR_OTHER_CODES", "further codes", 5));
    assertThat(failures)
        .contains(new FailureGroup(Operation.REMOVED, "FULMAR_OTHER_CODES", "further codes", 1));
    assertThat(failures.stream().mapToLong(FailureGroup::count).sum()).isEqualTo(97 + 10);
  }

  @Test
  @DisplayName("groups of the same size and code stand in the order of the operations")
  void groupsHaveOneOrder() {
    List<Operation> operations = List.of(Operation.values());
    for (int i = 0; i < 12; i++) {
      for (int of = operations.size() - 1; of >= 0; of--) {
        add(operations.get(of), rejected("E" + (10 + i)));
      }
    }
    List<FailureGroup> failures = tally.failures();
    assertThat(failures).hasSize(36);
    for (int i = 0; i < failures.size(); i++) {
      assertThat(failures.get(i).code()).isEqualTo("E" + (10 + i / 3));
      assertThat(failures.get(i).operation()).isEqualTo(operations.get(i % 3));
    }
  }

  // ------------------------------------------------------------------------------- fail fast

  @Test
  @DisplayName("what was accepted and skipped counts as attempted, what was not tried does not")
  void shareIsOfWhatWasAttempted() {
    add(3, rejected("BAD"));
    add(2, Outcome.ACCEPTED);
    add(1, Outcome.SKIPPED);
    add(50, Outcome.NOT_TRIED);
    assertThat(tally.tooManyFailed(0.5, 6)).as("just the share").isNull();
    add(1, rejected("WORSE"));
    assertThat(tally.tooManyFailed(0.5, 8)).as("one too few were attempted").isNull();
    assertThat(tally.tooManyFailed(0.5, 7))
        .isEqualTo(
            "4 of 7 changes failed, most as BAD: more than 50 % after 7 (Sync.Builder.failFast)");
    assertThat(tally.tooManyFailed(0.5, 1))
        .isEqualTo(
            "4 of 7 changes failed, most as BAD: more than 50 % after 1 (Sync.Builder.failFast)");
    add(1, Outcome.SKIPPED);
    assertThat(tally.tooManyFailed(0.5, 7)).isNull();
    add(2, Outcome.SKIPPED);
    add(1, rejected("BAD"));
    assertThat(tally.tooManyFailed(0.5, 7)).isNull();
  }

  @Test
  @DisplayName("29 of 100 failures are no more than a share of 0.29; small shares are said as such")
  void shareIsTheDecimalThatWasWritten() {
    add(29, rejected("BAD"));
    add(71, Outcome.ACCEPTED);
    assertThat(tally.tooManyFailed(0.29, 100)).isNull();
    assertThat(tally.tooManyFailed(0.2899, 100)).contains(": more than 28.99 % after 100");
    assertThat(tally.tooManyFailed(0.001, 100)).contains(": more than 0.1 % after 100");
    assertThat(tally.tooManyFailed(0, 100)).contains(": more than 0 % after 100");
    add(171, rejected("BAD"));
    assertThat(tally.tooManyFailed(1, 1)).isNull();
  }
}
