package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Model;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.SyncStore;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ReservationsTest {
  private static final int CHANGES = 200_000;
  private static final Sync SYNC =
      Sync.builder("crm")
          .model(Model.query("customers", "select 1 as id").key("id"))
          .to(Destination.of("test", batch -> Delivery.allAccepted()))
          .build();

  private final ManualTime time = new ManualTime();
  private final PlanStore store = new PlanStore(time).plan(Changes.added(CHANGES));
  private final long soon = time.millis() + 1_000;
  private long nanos;
  private Claim claim;
  private Reservations reservations;

  @BeforeEach
  void openPlan() {
    claim = store.claim(SYNC, SyncStore.Purpose.RUN);
    claim.open(claim.plan(PlanRequest.RUN, rows -> {}));
    reservations = new Reservations(claim, CHANGES, () -> nanos);
  }

  @AfterEach
  void closeClaim() {
    claim.close();
    assertThat(store.breaches()).isEmpty();
  }

  /** Positions that were reserved one after the other, as {@code "0 to 10"}. */
  private List<String> written() {
    String step = "reserve ";
    return store.log().stream()
        .filter(line -> line.startsWith(step))
        .map(line -> line.substring(step.length()))
        .toList();
  }

  private static void take(Reservations.Part part, int from, int end) {
    part.take(Changes.added(end).subList(from, end));
  }

  private void next(Reservations.Part part, int from, int end) {
    take(part, from, end);
    if (part.mayActUntil() < soon) {
      part.reserve(soon, soon + 1_000);
    }
    assertThat(part.isBegun()).isTrue();
    assertThat(part.mayActUntil()).isEqualTo(soon + 1_000);
  }

  @Test
  @DisplayName("while calls are fast, one write reserves what follows, twice as much each time")
  void fastCallsHaveTheirNextOnesReserved() {
    Reservations.Part lane = reservations.part();
    for (int from = 0; from < 130; from += 10) {
      next(lane, from, from + 10);
    }
    assertThat(written()).containsExactly("0 to 10", "10 to 30", "30 to 70", "70 to 150");
    assertThat(store.reserved()).isEqualTo(150);
  }

  @Test
  @DisplayName("P2: of fast calls, no more than 65,536 changes are unsure after a death")
  void noMoreThanSoManyAreReservedAhead() {
    Reservations.Part lane = reservations.part();
    for (int from = 0; from < CHANGES; from += 10_000) {
      next(lane, from, from + 10_000);
    }
    assertThat(written())
        .containsExactly(
            "0 to 10000",
            "10000 to 30000",
            "30000 to 70000",
            "70000 to 135536",
            "130000 to 195536",
            "190000 to 200000");
  }

  @Test
  @DisplayName("P2: of slow calls, only what is sent at once is unsure after a death")
  void slowCallsAreReservedOneByOne() {
    Reservations.Part lane = reservations.part();
    next(lane, 0, 10);
    nanos += TimeUnit.MILLISECONDS.toNanos(24);
    next(lane, 10, 20);
    next(lane, 20, 30);
    nanos += TimeUnit.MILLISECONDS.toNanos(40);
    next(lane, 30, 40);
    next(lane, 40, 50);
    for (int from = 50; from < 80; from += 10) {
      nanos += TimeUnit.MILLISECONDS.toNanos(51);
      next(lane, from, from + 10);
    }
    assertThat(written())
        .containsExactly("0 to 10", "10 to 30", "30 to 50", "50 to 60", "60 to 70", "70 to 80");
  }

  @Test
  @DisplayName("what one lane has reserved ahead, others send without a write of their own")
  void lanesShareWhatIsReserved() {
    Reservations.Part first = reservations.part();
    Reservations.Part second = reservations.part();
    next(first, 0, 10);
    take(first, 10, 20);
    take(second, 20, 30);
    assertThat(second.isBegun()).isFalse();
    next(first, 10, 20);
    assertThat(second.isBegun()).isTrue();
    assertThat(second.mayActUntil()).isEqualTo(soon + 1_000);
    assertThat(written()).containsExactly("0 to 10", "10 to 30");
  }

  @Test
  void rangeBeforeOneThatIsReservedIsReservedByItself() {
    Reservations.Part first = reservations.part();
    Reservations.Part second = reservations.part();
    take(first, 0, 10);
    next(second, 10, 20);
    assertThat(first.isBegun()).isFalse();
    assertThat(first.mayActUntil()).isZero();
    next(first, 0, 10);
    next(second, 20, 30);
    assertThat(written()).containsExactly("10 to 20", "0 to 10", "20 to 40");
  }

  @Test
  @DisplayName("P4: a range of which the moment on record is too early is reserved again, alone")
  void rangeIsReservedAgainWhenItsTimeRunsOut() {
    Reservations.Part lane = reservations.part();
    next(lane, 0, 10);
    next(lane, 10, 20);
    lane.reserve(soon + 5_000, soon + 6_000);
    assertThat(lane.mayActUntil()).isEqualTo(soon + 6_000);
    take(lane, 20, 30);
    assertThat(lane.mayActUntil()).isEqualTo(soon + 1_000);
    assertThat(written()).containsExactly("0 to 10", "10 to 30", "10 to 20");
  }

  @Test
  @DisplayName("P1: what was reserved and no lane has taken is given back as not tried, once")
  void restIsGivenBack() {
    Reservations.Part lane = reservations.part();
    next(lane, 0, 10);
    next(lane, 10, 20);
    next(lane, 20, 25);
    reservations.release();
    reservations.release();
    assertThat(store.outcomes().subList(0, 25)).containsOnlyNulls();
    assertThat(store.outcomes().subList(25, 30)).containsOnly(Outcome.NOT_TRIED);
    assertThat(store.outcomes().subList(30, CHANGES)).containsOnlyNulls();
  }

  @Test
  void nothingIsReservedBeyondTheEnd() {
    reservations = new Reservations(claim, 25, () -> nanos);
    Reservations.Part lane = reservations.part();
    next(lane, 0, 10);
    next(lane, 10, 20);
    next(lane, 20, 25);
    reservations.release();
    assertThat(written()).containsExactly("0 to 10", "10 to 25");
    assertThat(store.outcomes()).containsOnlyNulls();
  }

  @Test
  @DisplayName(
      "P1: what could not be written counts as begun, and whoever needs it writes it himself")
  void failedWriteIsNotTakenForOne() {
    Reservations.Part first = reservations.part();
    Reservations.Part second = reservations.part();
    next(first, 0, 10);
    take(first, 10, 20);
    take(second, 20, 30);
    store.fails("reserve", new StateException("the disk is gone"));
    assertThatThrownBy(() -> first.reserve(soon, soon + 1_000)).hasMessage("the disk is gone");
    assertThat(first.mayActUntil()).isZero();
    assertThat(second.isBegun()).as("it may be found on record").isTrue();
    assertThat(second.mayActUntil()).isZero();
    store.fails("reserve", null);
    second.reserve(soon, soon + 1_000);
    assertThat(second.mayActUntil()).isEqualTo(soon + 1_000);
    assertThat(written()).containsExactly("0 to 10", "10 to 30", "20 to 30");
  }

  @Test
  @DisplayName("P2: a lane whose range another one is just reserving sends when that is durable")
  void laneWaitsForWhatAnotherReserves() throws Exception {
    Reservations.Part first = reservations.part();
    Reservations.Part second = reservations.part();
    next(first, 0, 10);
    take(first, 10, 20);
    take(second, 20, 30);
    CountDownLatch reached = new CountDownLatch(1);
    CountDownLatch letGo = new CountDownLatch(1);
    store.hangs("reserve", reached, letGo);
    CompletableFuture<Void> one =
        CompletableFuture.runAsync(() -> first.reserve(soon, soon + 1_000));
    assertThat(reached.await(20, TimeUnit.SECONDS)).isTrue();
    CompletableFuture<Void> other =
        CompletableFuture.runAsync(() -> second.reserve(soon, soon + 1_000));
    reservations.part(); // nobody holds the lock while that write takes its time
    assertThat(second.mayActUntil()).isZero();
    letGo.countDown();
    one.get(20, TimeUnit.SECONDS);
    other.get(20, TimeUnit.SECONDS);
    assertThat(second.mayActUntil()).isEqualTo(soon + 1_000);
    assertThat(written()).containsExactly("0 to 10", "10 to 30");
  }
}
