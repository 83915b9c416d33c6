package io.fulmar.testkit.assertj;

import io.fulmar.HoldKind;
import io.fulmar.RunStatus;
import io.fulmar.SyncStatus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import org.assertj.core.api.AbstractAssert;
import org.jspecify.annotations.Nullable;

/** Assertions about where a sync stands. Not threadsafe. */
public final class SyncStatusAssert extends AbstractAssert<SyncStatusAssert, SyncStatus> {
  SyncStatusAssert(@Nullable SyncStatus actual) {
    super(actual, SyncStatusAssert.class);
  }

  /** The last run ended so. */
  public SyncStatusAssert lastRunEndedAs(RunStatus status) {
    Objects.requireNonNull(status, "status");
    isNotNull();
    if (actual.lastRun() == null || actual.lastRun().status() != status) {
      throw wrong("whose last run ended as " + status, "Look at its report");
    }
    return this;
  }

  /** The destination has accepted a version of so many keys. */
  public SyncStatusAssert hasSyncedKeys(long count) {
    isNotNull();
    if (actual.syncedKeys() != count) {
      throw wrong(
          "with %s synced keys".formatted(count), "Look at the failures of its last report");
    }
    return this;
  }

  /** No change is remembered that was not accepted. */
  public SyncStatusAssert hasNoHolds() {
    isNotNull();
    if (actual.holds().values().stream().anyMatch(count -> count > 0)) {
      throw wrong(
          "without holds",
          "engine.holds(sync, n) and engine.explain(sync, key) say why, engine.release lets go");
    }
    return this;
  }

  /** So many changes of this kind are remembered. */
  public SyncStatusAssert hasHolds(HoldKind kind, long count) {
    Objects.requireNonNull(kind, "kind");
    isNotNull();
    if (actual.holds(kind) != count) {
      throw wrong(
          "with %s holds of kind %s".formatted(count, kind), "engine.holds(sync, n) shows them");
    }
    return this;
  }

  /** No call ended without an answer whose change has not been accepted since. */
  public SyncStatusAssert isSure() {
    isNotNull();
    if (actual.unsure() != 0) {
      throw wrong(
          "without unsure keys",
          "A call gave no answer, or not for all of its changes; the next run sends them again");
    }
    return this;
  }

  /** The destination reflects the source as it was at this moment. */
  public SyncStatusAssert isUpToDateAsOf(Instant moment) {
    Objects.requireNonNull(moment, "moment");
    isNotNull();
    if (!moment.equals(actual.upToDateAsOf())) {
      throw wrong(
          "that is up to date as of " + moment,
          "Only a run that leaves nothing unsent, rejected or invalid moves it");
    }
    return this;
  }

  /** A plan waits for approval. */
  public SyncStatusAssert hasHeldPlan() {
    isNotNull();
    if (actual.heldPlan() == null) {
      throw wrong("with a plan that waits for approval", "Look at the status of its last report");
    }
    return this;
  }

  /** No plan waits for approval. */
  public SyncStatusAssert hasNoHeldPlan() {
    isNotNull();
    if (actual.heldPlan() != null) {
      throw wrong(
          "without a plan that waits for approval",
          "engine.storedPlan(sync) shows it; engine.apply approves it, engine.discard drops it");
    }
    return this;
  }

  private AssertionError wrong(String expected, String remedy) {
    List<String> lines = new ArrayList<>();
    SyncStatus.LastRun last = actual.lastRun();
    lines.add(last == null ? "it has not run" : "its last run ended as " + last.status());
    lines.add("%s synced keys, %s unsure".formatted(actual.syncedKeys(), actual.unsure()));
    lines.add("holds " + new TreeMap<>(actual.holds()));
    lines.add("up to date as of " + actual.upToDateAsOf());
    if (actual.heldPlan() != null) {
      lines.add("plan " + actual.heldPlan() + " waits for approval");
    }
    lines.add("-> " + remedy);
    return failure(
        "%s",
        Told.lines("Expecting a sync %s, but of %s:".formatted(expected, actual.sync()), lines));
  }
}
