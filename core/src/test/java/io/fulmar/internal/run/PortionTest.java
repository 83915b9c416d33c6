package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.RunOptions;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.PlannedChange;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Parts of a plan of ten changes, read in pieces. */
class PortionTest {
  private final Plan plan = new Plan();

  /** Ten changes; notes what is asked of it. */
  private static final class Plan implements PlanReader {
    private final List<PlannedChange> changes = Changes.added(10);
    private int at;
    private int closed;
    private long maxBytes;

    @Override
    public List<PlannedChange> next(int maxRows, long bytes) {
      assertThat(closed).isZero();
      assertThat(maxRows).isPositive();
      maxBytes = bytes;
      List<PlannedChange> next = changes.subList(at, Math.min(at + maxRows, changes.size()));
      at += next.size();
      return next;
    }

    @Override
    public void close() {
      closed++;
    }
  }

  private static RunOptions.Builder options() {
    return RunOptions.builder();
  }

  /** When a run began that has gone on for so long. */
  private static long ago(Duration time) {
    return System.nanoTime() - time.toNanos();
  }

  private static List<Long> positions(List<PlannedChange> changes) {
    return changes.stream().map(PlannedChange::position).toList();
  }

  @Test
  void planWithoutLimitsIsDeliveredAsItIs() {
    assertThat(new Portion(RunOptions.defaults(), 0).of(plan)).isSameAs(plan);
    assertThat(new Portion(RunOptions.defaults(), 0).of(10)).isEqualTo(10);
    assertThat(new Portion(options().limit(5).build(), 0).of(10)).isEqualTo(5);
    assertThat(new Portion(options().limit(5).build(), 0).of(3)).isEqualTo(3);
  }

  @Test
  void limitEndsThePlanAfterSoManyChanges() {
    try (PlanReader portion = new Portion(options().limit(5).build(), 0).of(plan)) {
      assertThat(positions(portion.next(3, 77))).containsExactly(0L, 1L, 2L);
      assertThat(plan.maxBytes).isEqualTo(77);
      assertThat(positions(portion.next(3, 77))).containsExactly(3L, 4L);
      assertThat(portion.next(3, 77)).isEmpty();
      assertThat(plan.at).as("what is left out is not read").isEqualTo(5);
    }
  }

  @Test
  @DisplayName("a limit beyond the plan, or beyond what an int holds, ends where the plan does")
  void limitBeyondThePlanEndsWithIt() {
    try (PlanReader portion = new Portion(options().limit(5_000_000_000L).build(), 0).of(plan)) {
      assertThat(portion.next(8, 1)).hasSize(8);
      assertThat(portion.next(8, 1)).hasSize(2);
      assertThat(portion.next(8, 1)).isEmpty();
    }
  }

  @Test
  void budgetAloneIsKept() {
    Duration hour = Duration.ofHours(1);
    RunOptions options = options().budget(hour).build();
    PlanReader over = new Portion(options, ago(hour)).of(plan);
    assertThat(over).isNotSameAs(plan);
    assertThat(over.next(1, 1)).isEmpty();
    assertThat(plan.at).isZero();
    assertThat(positions(new Portion(options, ago(Duration.ofMinutes(10))).of(plan).next(2, 1)))
        .containsExactly(0L, 1L);
  }

  @Test
  @DisplayName("what counts is the time since the run began, wherever the machine's clock stands")
  void budgetIsCountedFromTheBeginningOfTheRun() {
    Duration year = Duration.ofDays(365);
    RunOptions options = options().budget(year).build();
    assertThat(new Portion(options, ago(year)).of(plan).next(1, 1)).isEmpty();
    assertThat(new Portion(options, ago(Duration.ZERO)).of(plan).next(1, 1)).hasSize(1);
  }

  @Test
  void limitAndBudgetEndItTogether() {
    RunOptions options = options().limit(1).budget(Duration.ofHours(1)).build();
    PlanReader portion = new Portion(options, ago(Duration.ZERO)).of(plan);
    assertThat(portion.next(4, 1)).hasSize(1);
    assertThat(portion.next(4, 1)).isEmpty();
    assertThat(new Portion(options, ago(Duration.ofHours(2))).of(plan).next(4, 1)).isEmpty();
  }

  @Test
  void closingAPortionClosesThePlan() {
    new Portion(options().limit(1).build(), 0).of(plan).close();
    assertThat(plan.closed).isEqualTo(1);
  }
}
