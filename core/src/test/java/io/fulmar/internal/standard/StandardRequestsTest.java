package io.fulmar.internal.standard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.ChangeSet;
import io.fulmar.HoldKind;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunOptions;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.harness.Death;
import io.fulmar.harness.Death.Point;
import io.fulmar.harness.Death.Side;
import io.fulmar.harness.ManualClock;
import io.fulmar.harness.MortalStore;
import io.fulmar.harness.SourceRow;
import io.fulmar.internal.run.Runner;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.PlanRequest.Kind;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Requests and changes of settings over a state directory, where they meet processes that die,
 * other keys, and plans that wait. The destination takes an INSERT for a key once, and anything
 * else always.
 */
@DisplayName("P1, P3, section 5a: requests over a state directory")
class StandardRequestsTest {
  @TempDir Path root;

  private final ManualClock clock = new ManualClock(Instant.parse("2026-01-15T10:00:00Z"));
  private final MemoryItems items = new MemoryItems();
  private final Target target = new Target();

  /** A destination that notes what it gets. */
  private static final class Target implements Destination {
    private final List<String> sent = new ArrayList<>();
    private final Set<String> inserted = new TreeSet<>();

    synchronized List<String> takeSent() {
      List<String> taken = List.copyOf(sent);
      sent.clear();
      return taken;
    }

    @Override
    public String type() {
      return "target";
    }

    @Override
    public String identity() {
      return "target:keys";
    }

    @Override
    public Capabilities capabilities() {
      return Capabilities.builder().actions(EnumSet.allOf(Action.class)).canClear().build();
    }

    @Override
    public synchronized void clear(RunContext run) {
      sent.add("clear");
      inserted.clear();
    }

    @Override
    public Writer open(RunContext run) {
      return batch -> {
        synchronized (this) {
          Delivery.Builder answer = Delivery.acceptedExcept();
          for (Change change : batch.changes()) {
            String key = String.valueOf(change.key().text("k"));
            String previous =
                change.previous() == null ? "" : " was " + change.previous().text("v");
            sent.add(change.operation() + " " + key + previous);
            if (batch.action() == Action.INSERT && !inserted.add(key)) {
              answer.skipped(change);
            }
          }
          return answer.build();
        }
      };
    }
  }

  private Sync.Builder sync() {
    return Sync.builder("crm")
        .model(MemoryItems.model(0))
        .to(target)
        .onRemoved(Removal.DELETE)
        .guardChanges(1, 0)
        .guardReturn(Duration.ZERO)
        .batchRows(1);
  }

  private void rows(String... keys) {
    List<SourceRow> rows = new ArrayList<>();
    for (String key : keys) {
      rows.add(new SourceRow(key, "v"));
    }
    items.rows(rows);
  }

  private StandardStore store() {
    return new StandardStore(items, root, StandardStore.MissingState.BEGIN, 1 << 20, clock);
  }

  private RunnerSettings settings() {
    return RunnerSettings.defaults()
        .withClock(clock)
        .withWaiter((stop, duration) -> clock.advance(duration));
  }

  /** Asks something of a new process. */
  private <T> T ask(Function<Runner, T> request) {
    clock.advance(Duration.ofSeconds(1));
    try (StandardStore store = store();
        Runner runner = new Runner(store, settings())) {
      return request.apply(runner);
    }
  }

  /** Asks something of a new process, which dies. */
  private void askAndDie(Function<Runner, ?> request, Point point, Side side, int nth) {
    clock.advance(Duration.ofSeconds(1));
    Death death = Death.at(point, side, nth);
    try (StandardStore store = store()) {
      MortalStore mortal = new MortalStore(store, death);
      try (Runner runner = new Runner(mortal, settings())) {
        assertThatThrownBy(() -> request.apply(runner)).isInstanceOf(Death.ProcessDied.class);
      }
      assertThat(death.isDead()).isTrue();
      Claim left = mortal.left();
      if (left != null) {
        left.close();
      }
    }
    clock.advance(Duration.ofMinutes(5));
  }

  private Map<HoldKind, Long> holds(Sync sync) {
    try (StandardStore store = store()) {
      Map<HoldKind, Long> holds = new EnumMap<>(store.status(sync).holds());
      holds.values().removeIf(count -> count == 0);
      return holds;
    }
  }

  // --------------------------------------------------------------------------- skipped changes

  @Test
  @DisplayName("P3: what a first run skipped before it died comes back after a change of mode")
  void skippedChangesOfADeadFirstRunComeBack() {
    rows("k1", "k2");
    target.inserted.addAll(List.of("k1", "k2"));
    Sync insert = sync().mode(SyncMode.INSERT).build();
    askAndDie(runner -> runner.run(insert), Point.FOLD, Side.BEFORE, 1);
    target.takeSent();
    ask(runner -> runner.run(sync().build()));
    assertThat(target.takeSent()).containsExactlyInAnyOrder("ADDED k1", "ADDED k2");
    assertThat(holds(insert)).isEmpty();
  }

  @Test
  @DisplayName("P3: what a dead run skipped under other settings comes back when they go back")
  void skippedChangesOfADeadRunComeBackWhenSettingsGoBack() {
    rows("k1");
    ask(runner -> runner.run(sync().build()));
    rows("k1", "k2");
    target.inserted.add("k2");
    Sync insert = sync().mode(SyncMode.INSERT).build();
    askAndDie(runner -> runner.run(insert), Point.FOLD, Side.BEFORE, 1);
    target.takeSent();
    ask(runner -> runner.run(sync().build()));
    assertThat(target.takeSent()).containsExactly("ADDED k2");
  }

  @Test
  @DisplayName("P3: what was skipped before a dead run under other settings comes back, too")
  void changesSkippedBeforeADeadRunComeBack() {
    rows("k1");
    target.inserted.add("k1");
    Sync insert = sync().mode(SyncMode.INSERT).build();
    ask(runner -> runner.run(insert));
    assertThat(holds(insert)).containsOnlyKeys(HoldKind.SKIPPED);
    rows("k0", "k1");
    askAndDie(
        runner -> runner.run(sync().build(), RunOptions.builder().key("k0").build()),
        Point.FOLD,
        Side.BEFORE,
        1);
    target.takeSent();
    ask(runner -> runner.run(insert));
    assertThat(target.takeSent()).as("it is tried again, though only once").contains("ADDED k1");
    ask(runner -> runner.run(insert));
    assertThat(target.takeSent()).isEmpty();
  }

  @Test
  @DisplayName("5a: what is skipped in the first run under new settings is skipped, not rejected")
  void changeThatIsSkippedUnderNewSettingsIsHeld() {
    ask(runner -> runner.run(sync().build()));
    rows("k1");
    target.inserted.add("k1");
    Sync insert = sync().mode(SyncMode.INSERT).build();
    ask(runner -> runner.run(insert));
    assertThat(holds(insert)).containsOnlyKeys(HoldKind.SKIPPED);
    target.takeSent();
    ask(runner -> runner.run(insert));
    assertThat(target.takeSent()).isEmpty();
  }

  @Test
  @DisplayName("5a: a reset under new settings frees what was skipped of ambiguous keys")
  void resetUnderNewSettingsFreesWhatWasSkippedOfAmbiguousKeys() {
    rows("k1");
    target.inserted.add("k1");
    ask(runner -> runner.run(sync().mode(SyncMode.INSERT).build()));
    rows("k1", "k1");
    ask(runner -> runner.reset(sync().build()));
    assertThat(holds(sync().build())).containsOnlyKeys(HoldKind.REJECTED);
    rows("k1");
    target.takeSent();
    ask(runner -> runner.run(sync().build()));
    assertThat(target.takeSent()).containsExactly("ADDED k1");
  }

  @Test
  void planTellsHowManyRowsItHasRead() {
    rows("k1", "k2", "k3");
    List<Long> told = new ArrayList<>();
    try (StandardStore store = store();
        Claim claim = store.claim(sync().build())) {
      claim.plan(PlanRequest.RUN, told::add);
    }
    assertThat(told).containsExactly(0L, 3L);
  }

  @Test
  void planIsWrittenInItsOrderAndAResyncBeginsOnce() {
    rows("k1", "k2", "k3");
    ask(runner -> runner.run(sync().build()));
    List<CrashPoint> passed = new ArrayList<>();
    try (StandardStore store =
            new StandardStore(
                items, root, StandardStore.MissingState.BEGIN, 1 << 20, clock, passed::add);
        Claim claim = store.claim(sync().build())) {
      passed.clear();
      claim.plan(PlanRequest.RUN, rows -> {});
      assertThat(passed).as("nothing is due").isEmpty();
      claim.plan(PlanRequest.of(Kind.RESYNC), rows -> {});
      assertThat(passed)
          .containsExactly(
              CrashPoint.SYNC_FILE_WRITTEN,
              CrashPoint.EPOCH_GROWN,
              CrashPoint.PLAN_SECTIONS_WRITTEN,
              CrashPoint.PLAN_HEAD_WRITTEN,
              CrashPoint.PLAN_PLACED);
      passed.clear();
      claim.plan(PlanRequest.of(Kind.RESYNC), rows -> {});
      assertThat(passed)
          .as("it is planned again, and every row is due already")
          .containsExactly(
              CrashPoint.PLAN_SECTIONS_WRITTEN,
              CrashPoint.PLAN_HEAD_WRITTEN,
              CrashPoint.PLAN_PLACED);
    }
  }

  // ---------------------------------------------------------------------------- clear and fill

  @Test
  @DisplayName("A-05: a fill under another key that dies is taken up under that key")
  void fillUnderAnotherKeyThatDiesIsTakenUp() {
    rows("k1", "k2", "k3");
    ask(runner -> runner.run(sync().build()));
    Model model = Model.query("items", MemoryItems.model(1).sql()).key("k", "one");
    Sync other = sync().model(model).build();
    target.takeSent();
    askAndDie(runner -> runner.clearAndFill(other), Point.FOLD, Side.BEFORE, 1);
    assertThat(target.takeSent()).hasSize(4).startsWith("clear");
    items.rows(List.of(new SourceRow("k1", "v"), new SourceRow("k2", "w")));

    ask(runner -> runner.run(other));

    assertThat(target.takeSent()).containsExactlyInAnyOrder("CHANGED k2", "REMOVED k3");
    assertThatThrownBy(() -> ask(runner -> runner.run(sync().build())))
        .hasMessageContaining("its key was (k text, one integer) and now is (k text)");
  }

  @Test
  @DisplayName("A-05: a clear and fill that dies at any step is done again, or goes on")
  void clearAndFillThatDiesAnywhereLosesNothing() {
    for (Point point : List.of(Point.BEGIN_CLEAR, Point.END_CLEAR, Point.OPEN, Point.RESERVE)) {
      for (Side side : Side.values()) {
        rows("k1", "k2", "k3");
        ask(runner -> runner.run(sync().build()));
        askAndDie(runner -> runner.clearAndFill(sync().build()), point, side, 1);
        boolean before = point == Point.BEGIN_CLEAR && side == Side.BEFORE;
        boolean cleared = target.takeSent().contains("clear");
        boolean ended = cleared && !(point == Point.END_CLEAR && side == Side.BEFORE);
        ask(runner -> runner.run(sync().build()));
        List<String> sent = target.takeSent();
        assertThat(sent.contains("clear")).as(point + " " + side).isEqualTo(!before && !ended);
        assertThat(sent.stream().filter(line -> !line.equals("clear")))
            .as(point + " " + side)
            .hasSize(before ? 0 : 3);
        assertThat(ask(runner -> runner.run(sync().build())).total().planned()).isZero();
      }
    }
  }

  @Test
  void clearedDestinationGetsNothingOfWhatItHadBefore() {
    Sync remembering = sync().remember("v").build();
    items.rows(List.of(new SourceRow("k1", "v"), new SourceRow("k2", "v")));
    ask(runner -> runner.run(remembering));
    items.rows(List.of(new SourceRow("k1", "w"), new SourceRow("k2", "v")));
    target.takeSent();
    SyncReport report = ask(runner -> runner.clearAndFill(remembering));
    assertThat(target.takeSent()).containsExactlyInAnyOrder("clear", "ADDED k1", "ADDED k2");
    assertThat(report.changeSet().columnChanges()).isEqualTo(Map.of("v", 0L));
    items.rows(List.of(new SourceRow("k1", "x"), new SourceRow("k2", "v")));
    ask(runner -> runner.run(remembering));
    assertThat(target.takeSent()).containsExactly("CHANGED k1 was w");
  }

  @Test
  @DisplayName("P7: after a clear, no plan of before can be applied, and nothing is up to date")
  void clearVoidsWhatWasKnownBefore() {
    rows("k1", "k2", "k3");
    ask(runner -> runner.run(sync().build()));
    rows("k1", "k2");
    ChangeSet plan = ask(runner -> runner.plan(sync().build()));
    for (Point point : List.of(Point.BEGIN_CLEAR, Point.END_CLEAR)) {
      askAndDie(runner -> runner.clearAndFill(sync().build()), point, Side.AFTER, 1);
      target.takeSent();
      assertThat(heldPlan(sync().build())).isNull();
      assertThatThrownBy(() -> ask(runner -> runner.apply(sync().build(), plan.id())))
          .isInstanceOf(StateException.class);
      assertThat(target.takeSent()).isEmpty();
    }
    try (StandardStore store = store()) {
      assertThat(store.status(sync().build()).upToDateAsOf()).isNull();
      assertThat(store.status(sync().build()).syncedKeys()).isZero();
    }
  }

  // ------------------------------------------------------------------------------------- plans

  @Test
  @DisplayName("P7: status names the plan that can be applied, and no other")
  void statusNamesNoPlanThatCannotBeApplied() {
    rows("k1");
    target.inserted.add("k1");
    Sync insert = sync().mode(SyncMode.INSERT).build();
    ask(runner -> runner.run(insert));
    rows("k1", "k2");
    ChangeSet plan = ask(runner -> runner.plan(insert));
    assertThat(plan.planned(Operation.ADDED)).isEqualTo(1);
    assertThat(heldPlan(insert)).isEqualTo(plan.id());
    assertThat(heldPlan(sync().build())).as("under another mode").isNull();
    Sync ignoring = sync().mode(SyncMode.INSERT).onRemoved(Removal.IGNORE).build();
    assertThat(heldPlan(ignoring)).as("under another removal").isNull();
    assertThat(released(insert, "k2")).isZero();
    assertThat(heldPlan(insert)).isEqualTo(plan.id());
    assertThat(released(insert, "k1")).isEqualTo(1);
    assertThat(heldPlan(insert)).as("after a release").isNull();
    assertThatThrownBy(() -> ask(runner -> runner.apply(insert, plan.id())))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("the state has moved on since it was made");
  }

  @Test
  @DisplayName("P7: a plan expires")
  void planExpires() {
    rows("k1");
    Sync sync = sync().planExpiry(Duration.ofHours(1)).build();
    ChangeSet plan = ask(runner -> runner.plan(sync));
    clock.advance(Duration.ofMinutes(59));
    assertThat(heldPlan(sync)).isEqualTo(plan.id());
    clock.advance(Duration.ofMinutes(1));
    assertThat(heldPlan(sync)).isNull();
    assertThatThrownBy(() -> ask(runner -> runner.apply(sync, plan.id())))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("it has expired (planExpiry PT1H)");
    assertThat(target.takeSent()).isEmpty();
  }

  private long released(Sync sync, String key) {
    return ask(runner -> runner.release(sync, List.of(key)));
  }

  private @Nullable String heldPlan(Sync sync) {
    try (StandardStore store = store()) {
      String id = store.status(sync).heldPlan();
      ChangeSet stored = store.storedPlan(sync);
      assertThat(stored == null ? null : stored.id()).isEqualTo(id);
      return id;
    }
  }
}
