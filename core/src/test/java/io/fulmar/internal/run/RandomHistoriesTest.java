package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.harness.History;
import io.fulmar.harness.Reference5a.Call;
import io.fulmar.harness.Reference5a.Remembered;
import io.fulmar.harness.Reference5a.Rule;
import io.fulmar.harness.RunnerSubject;
import io.fulmar.harness.SourceRow;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.FakeStore;
import io.fulmar.internal.store.SyncStore;
import io.fulmar.spi.Batch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The runner in random histories over a store in memory that plans and folds by the reference: no
 * change is lost, nothing is sent that is not planned, and the protocol of the store is kept. With
 * a rule left out, some history goes wrong, so the histories look where it matters.
 */
@DisplayName("P1, P2, P3, P8: random histories of the runner")
class RandomHistoriesTest {
  /** Those that {@link #historiesHoldEverythingThatCanHappen()} does not play. */
  @Test
  void destinationEqualsTheSourceInTheEnd() {
    History.playAll(151, Integer.getInteger("fulmar.histories", 100), FakeSubject::new);
  }

  @Test
  @Tag("oracle")
  void historiesHoldEverythingThatCanHappen() {
    Map<String, Integer> seen = new TreeMap<>();
    for (long seed = 1; seed <= 150; seed++) {
      History.play(seed, FakeSubject::new)
          .forEach((what, times) -> seen.merge(what, times, Integer::sum));
    }

    assertThat(seen)
        .containsKeys(
            "history",
            "SUCCEEDED",
            "WARNING",
            "FAILED",
            "HELD",
            "CANCELLED",
            "died",
            "died after the fold",
            "held rows",
            "ignored rows",
            "invalid rows",
            "plan applied",
            "stale plan refused",
            "late calls",
            "quarantined",
            "released",
            "nothing to release",
            "run of a part",
            "resync",
            "died in a resync",
            "cleared for FILL",
            "cleared for RUN",
            "cleared for RESYNC",
            "not cleared in the end",
            "died in a clear",
            "reset",
            "forgotten",
            "initialised SEND",
            "initialised BASELINE",
            "rebound",
            "HELD for RUN",
            "HELD for RESYNC",
            "HELD for FILL",
            "another destination refused",
            "clear and fill under UPDATE refused",
            "discard without a state refused",
            "forget while a call may act refused",
            "old revision refused",
            "plan into a destination that is being cleared refused",
            "release without a state refused",
            "reset in a clear refused",
            "reset of nothing refused",
            "run of what is not initialised refused",
            "second initialise refused");
    for (String request :
        List.of(
            "apply",
            "clear",
            "discard",
            "forget",
            "initialise",
            "plan",
            "rebind",
            "release",
            "reset",
            "resync",
            "run")) {
      assertThat(seen).containsKey("died in " + request);
    }
    for (Operation operation : Operation.values()) {
      assertThat(seen).containsKey(operation + " sent");
    }
    for (Call call : Call.values()) {
      assertThat(seen).containsKey(call.toString());
    }
  }

  @Test
  @Tag("soak")
  void destinationEqualsTheSourceInTheEndOfManyHistories() {
    long first = Math.floorMod(System.nanoTime(), 1_000_000L) * 1_000_000L;
    Map<String, Integer> seen =
        History.playAll(first, Integer.getInteger("fulmar.histories", 20_000), FakeSubject::new);
    System.out.println("histories from " + first + ": " + seen);
  }

  /**
   * The store without a rule, seen from outside only: its memory is not looked at. Not the rules
   * that a history cannot tell apart: its quarantine needs no age, the versions of a full resync
   * are others than all that is held, and who resets it waits until no call may act.
   *
   * @return some of the others, not the same in each run; with {@code fulmar.rules=99} all
   */
  static List<Rule> rulesToLeaveOut() {
    Set<Rule> rare =
        EnumSet.of(
            Rule.QUARANTINE_NEEDS_AGE,
            Rule.RESYNC_SENDS_HELD_ROWS,
            Rule.RESYNC_STARTS_ANEW,
            Rule.RESET_LEAVES_UNTIL);
    List<Rule> rules = new ArrayList<>(EnumSet.complementOf(EnumSet.copyOf(rare)));
    Collections.shuffle(rules);
    return rules.subList(0, Math.min(rules.size(), Integer.getInteger("fulmar.rules", 5)));
  }

  @ParameterizedTest(name = "{0}")
  @Tag("oracle")
  @MethodSource("rulesToLeaveOut")
  void someHistoryGoesWrongWithoutARule(Rule leftOut) {
    assertThatThrownBy(
            () -> {
              for (long seed = 1; seed <= 500; seed++) {
                History.play(seed, played -> new FakeSubject(played, EnumSet.of(leftOut)));
              }
            })
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("fulmar.seed=");
  }

  /** The runner over a {@link FakeStore}. */
  private static final class FakeSubject extends RunnerSubject {
    private final FakeStore store;
    private final Set<Rule> leftOut;
    private final long seed;

    FakeSubject(long seed) {
      this(seed, Set.of());
    }

    FakeSubject(long seed, Set<Rule> leftOut) {
      this.store = new FakeStore(clock(), leftOut);
      this.leftOut = leftOut;
      this.seed = seed;
    }

    @Override
    protected SyncStore open() {
      return store;
    }

    @Override
    protected void died(@Nullable Claim left) {
      if (seed % 2 == 0) {
        store.kill();
      } else {
        store.killAfterWriting();
      }
    }

    @Override
    public Model model(int mapping) {
      return Model.query("rows", Integer.toString(mapping)).key("k");
    }

    @Override
    public void source(List<SourceRow> rows) {
      store.source(rows);
    }

    @Override
    public Optional<Long> reservedUntil(Batch batch) {
      return Optional.of(store.reservedUntil(batch));
    }

    @Override
    public Optional<Map<String, Remembered>> memory() {
      return leftOut.isEmpty() ? Optional.of(store.memory()) : Optional.empty();
    }

    @Override
    public List<String> objections() {
      return store.breaches();
    }
  }
}
