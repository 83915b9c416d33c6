package io.fulmar.internal.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.AlreadyRunningException;
import io.fulmar.HoldKind;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.harness.ManualClock;
import io.fulmar.harness.Reference5a.Held;
import io.fulmar.harness.Reference5a.Remembered;
import io.fulmar.harness.SourceRow;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * The store that runs are tested against: it remembers what it was told, also after a death, and it
 * objects to whoever breaks the protocol. The source holds the keys k1, k2 and k3, one row without
 * a key, and two rows of k4.
 */
@DisplayName("The fake store is strict")
class FakeStoreTest {
  private final ManualClock clock = new ManualClock(Instant.parse("2026-03-01T00:00:00Z"));
  private final FakeStore store = new FakeStore(clock);
  private final long until = clock.millis() + 60_000;
  private final Sync sync =
      Sync.builder("fake")
          .model(Model.query("rows", "0").key("k"))
          .to(Destination.of("fake", batch -> Delivery.allAccepted()))
          .build();

  @BeforeEach
  void fill() {
    store.source(
        List.of(
            new SourceRow("k1", "a"),
            new SourceRow("k2", "a"),
            new SourceRow("k3", "a"),
            new SourceRow(null, "a"),
            new SourceRow("k4", "a"),
            new SourceRow("k4", "b")));
  }

  @Test
  void planHoldsTheValidRows() {
    Claim claim = claimed();
    StoredPlan plan = claim.plan(PlanRequest.RUN, rows -> {});

    assertThat(plan.changeSet().planned(Operation.ADDED)).isEqualTo(3);
    assertThat(plan.changeSet().invalid()).isEqualTo(3);
    assertThat(plan.changeSet().rows()).isEqualTo(6);
    PlanReader reader = claim.open(plan);
    assertThat(reader.next(2, Long.MAX_VALUE)).extracting(PlannedChange::position).contains(0L, 1L);
    assertThat(reader.next(2, Long.MAX_VALUE)).hasSize(1);
    assertThat(reader.next(2, Long.MAX_VALUE)).isEmpty();
  }

  @Test
  void foldRemembersWhatWasAcknowledged() {
    Claim claim = claimed();
    StoredPlan plan = opened(claim);
    claim.reserve(0, 3, until);
    claim.acknowledge(
        0,
        List.of(
            Outcome.ACCEPTED,
            Outcome.SKIPPED,
            new Outcome(Outcome.Kind.UNKNOWN, true, until, null)));
    claim.fold(plan, new RunEnd(RunStatus.WARNING, clock.instant(), false, Extent.WHOLE, null));
    claim.close();

    assertThat(store.memory().get("k1")).isEqualTo(new Remembered("0:a", 0, null, 0));
    assertThat(held("k2").kind()).isEqualTo(HoldKind.SKIPPED);
    assertThat(held("k3").unsure()).isTrue();
    assertThat(store.breaches()).isEmpty();
  }

  @Test
  void deathLeavesWhatWasReservedUnsureAndWhatWasFlushedAsItIs() {
    Claim claim = claimed();
    opened(claim);
    claim.reserve(0, 2, until);
    claim.acknowledge(0, List.of(Outcome.ACCEPTED));
    claim.flush();
    claim.acknowledge(1, List.of(Outcome.ACCEPTED));
    store.kill();

    Recovery recovery = store.claim(sync).recover();

    assertThat(recovery).isEqualTo(new Recovery(claim.run(), 1, 1));
    assertThat(store.memory()).containsOnlyKeys("k1", "k2");
    assertThat(store.memory().get("k1").accepted()).isEqualTo("0:a");
    assertThat(held("k2").kind()).isEqualTo(HoldKind.OPEN);
    assertThat(store.memory().get("k2").until()).isEqualTo(until);
  }

  @Test
  void deadRunCannotWriteOverItsSuccessor() {
    Claim dead = claimed();
    opened(dead);
    store.kill();
    claimed();

    assertThatThrownBy(() -> dead.reserve(0, 1, until))
        .isInstanceOf(StateException.class)
        .hasMessage("Cannot write: another runner holds the sync, or nobody does.");
  }

  @Test
  void syncRunsOnceAtATime() {
    claimed();

    assertThatThrownBy(() -> store.claim(sync))
        .isInstanceOf(AlreadyRunningException.class)
        .hasMessage("Cannot run fake: it is running.");
  }

  @Test
  void acknowledgementWithoutReservationIsABreach() {
    Claim claim = claimed();
    opened(claim);

    assertBreach(
        () -> claim.acknowledge(0, List.of(Outcome.ACCEPTED)),
        "position 0 is acknowledged and was not reserved");
  }

  @Test
  void secondAcknowledgementIsABreach() {
    Claim claim = claimed();
    opened(claim);
    claim.reserve(0, 3, until);
    claim.acknowledge(0, List.of(Outcome.ACCEPTED));

    assertBreach(
        () -> claim.acknowledge(0, List.of(Outcome.ACCEPTED)), "position 0 is acknowledged twice");
  }

  @Test
  void positionsOutOfRangeAreABreach() {
    Claim claim = claimed();
    opened(claim);

    assertBreach(() -> claim.reserve(2, 4, until), "reserved out of range: 2 to 4");
    assertBreach(
        () -> claim.acknowledge(2, Collections.nCopies(2, Outcome.ACCEPTED)),
        "acknowledged out of range: 2 from 2");
  }

  @Test
  void outcomeThatMayActLongerThanReservedIsABreach() {
    Claim claim = claimed();
    opened(claim);
    claim.reserve(0, 1, until);

    assertBreach(
        () ->
            claim.acknowledge(0, List.of(new Outcome(Outcome.Kind.UNKNOWN, true, until + 1, null))),
        "position 0 may act for longer than was reserved");
  }

  @Test
  void secondFoldIsABreach() {
    Claim claim = claimed();
    StoredPlan plan = opened(claim);
    RunEnd end = new RunEnd(RunStatus.FAILED, clock.instant(), false, Extent.WHOLE, null);
    claim.fold(plan, end);

    assertBreach(() -> claim.fold(plan, end), "folded twice");
  }

  @Test
  void planWithoutRecoveryIsABreach() {
    Claim claim = store.claim(sync);

    assertBreach(() -> claim.plan(PlanRequest.RUN, rows -> {}), "planned before recovery");
  }

  @Test
  void callWithoutReservationIsABreach() {
    Claim claim = claimed();
    StoredPlan plan = claim.plan(PlanRequest.RUN, rows -> {});
    PlannedChange first = claim.open(plan).next(1, 1_000).get(0);
    Batch batch = new Batch(sync.action(first.change().operation()), List.of(first.change()));

    assertBreach(() -> store.reservedUntil(batch), "position 0 is sent and was not reserved");
    claim.reserve(0, 1, until);
    assertThat(store.reservedUntil(batch)).isEqualTo(until);
  }

  @Test
  void planIsStaleAfterAFold() {
    Claim planning = claimed();
    StoredPlan kept = planning.plan(PlanRequest.RUN, rows -> {});
    planning.keep(kept);
    planning.close();
    Claim running = claimed();
    running.fold(
        opened(running), new RunEnd(RunStatus.FAILED, clock.instant(), false, Extent.WHOLE, null));
    running.close();
    Claim applying = claimed();

    assertThat(applying.kept()).isNull();
    assertThatThrownBy(() -> applying.stored(kept.changeSet().id()))
        .isInstanceOf(StateException.class)
        .hasMessage("Cannot apply " + kept.changeSet().id() + ": there is no such plan.");
  }

  private Claim claimed() {
    clock.advance(Duration.ofMillis(1));
    Claim claim = store.claim(sync);
    claim.recover();
    return claim;
  }

  private StoredPlan opened(Claim claim) {
    StoredPlan plan = claim.plan(PlanRequest.RUN, rows -> {});
    claim.open(plan);
    return plan;
  }

  private Held held(String key) {
    Held held = store.memory().get(key).held();
    assertThat(held).isNotNull();
    return held;
  }

  private void assertBreach(Runnable step, String breach) {
    assertThatThrownBy(step::run).isInstanceOf(AssertionError.class).hasMessage(breach);
    assertThat(store.breaches()).last().isEqualTo(breach);
  }
}
