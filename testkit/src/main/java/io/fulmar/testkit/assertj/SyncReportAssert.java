package io.fulmar.testkit.assertj;

import io.fulmar.Operation;
import io.fulmar.RunStatus;
import io.fulmar.SyncReport;
import java.util.List;
import java.util.Objects;
import org.assertj.core.api.AbstractAssert;
import org.jspecify.annotations.Nullable;

/** Assertions about what a run did. Not threadsafe. */
public final class SyncReportAssert extends AbstractAssert<SyncReportAssert, SyncReport> {
  SyncReportAssert(@Nullable SyncReport actual) {
    super(actual, SyncReportAssert.class);
  }

  /** Everything that was planned has been accepted or skipped, and no row was invalid. */
  public SyncReportAssert succeeded() {
    return hasStatus(RunStatus.SUCCEEDED);
  }

  /** A guard stopped it before anything was sent. */
  public SyncReportAssert isHeld() {
    return hasStatus(RunStatus.HELD);
  }

  /**
   * A guard stopped it before anything was sent, and says so.
   *
   * @param words part of what the guard says
   */
  public SyncReportAssert isHeldBy(String words) {
    hasStatus(RunStatus.HELD);
    new ChangeSetAssert(actual.changeSet()).isHeldBy(words);
    return this;
  }

  /** It ended early. */
  public SyncReportAssert failed() {
    return hasStatus(RunStatus.FAILED);
  }

  /**
   * It ended so.
   *
   * @param status one of all, {@link RunStatus#WARNING} too
   */
  public SyncReportAssert hasStatus(RunStatus status) {
    Objects.requireNonNull(status, "status");
    isNotNull();
    if (actual.status() != status) {
      throw wrong("to end as " + status);
    }
    return this;
  }

  /** So many additions were accepted or skipped. */
  public SyncReportAssert added(long count) {
    return delivered(Operation.ADDED, count);
  }

  /** So many changed rows were accepted or skipped. */
  public SyncReportAssert changed(long count) {
    return delivered(Operation.CHANGED, count);
  }

  /** So many removals were accepted or skipped. */
  public SyncReportAssert removed(long count) {
    return delivered(Operation.REMOVED, count);
  }

  private SyncReportAssert delivered(Operation operation, long count) {
    isNotNull();
    if (actual.counts(operation).succeeded() != count) {
      throw wrong("to deliver %s %s".formatted(count, Told.word(operation)));
    }
    return this;
  }

  /** Nothing was planned: destination and source agree. */
  public SyncReportAssert plannedNothing() {
    isNotNull();
    if (actual.total().planned() != 0) {
      throw wrong("to plan nothing");
    }
    return this;
  }

  /** So many changes failed with this code, over all operations. */
  public SyncReportAssert hasFailed(String code, long count) {
    Objects.requireNonNull(code, "code");
    isNotNull();
    long found =
        actual.failures().stream()
            .filter(group -> group.code().equals(code))
            .mapToLong(SyncReport.FailureGroup::count)
            .sum();
    if (found != count) {
      throw wrong("to have %s changes that failed with %s".formatted(count, code));
    }
    return this;
  }

  /** No change failed. */
  public SyncReportAssert hasNoFailures() {
    isNotNull();
    if (actual.total().failed() != 0) {
      throw wrong("to have no failures");
    }
    return this;
  }

  /** No change is held back after it: none failed, none is quarantined or skipped. */
  public SyncReportAssert hasNoHolds() {
    isNotNull();
    boolean heldBefore = actual.changeSet() != null && actual.changeSet().held() > 0;
    if (heldBefore || actual.total().failed() > 0 || actual.total().skipped() > 0) {
      throw wrong("to leave no holds");
    }
    return this;
  }

  /** So many rows had no usable key. */
  public SyncReportAssert hasInvalidRows(long count) {
    isNotNull();
    long invalid = actual.changeSet() == null ? 0 : actual.changeSet().invalid();
    if (invalid != count) {
      throw wrong("to have %s invalid rows".formatted(count));
    }
    return this;
  }

  private AssertionError wrong(String expected) {
    List<String> told = Told.of(actual);
    return failure(
        "%s",
        Told.lines("Expecting the run of %s %s, but:".formatted(actual.sync(), expected), told));
  }
}
