package io.fulmar.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A clock that stands at the first moment of 2026. */
class ManualClockTest {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  private final ManualClock clock = ManualClock.at(START);

  @Test
  void standsStillUntilItIsMoved() {
    assertThat(clock.instant()).isEqualTo(START);
    clock.advance(Duration.ofNanos(1_500_000));
    assertThat(clock.instant()).isEqualTo(START.plusNanos(1_500_000));
    assertThat(clock.millis()).isEqualTo(START.toEpochMilli() + 1);
  }

  @Test
  void canBeSetBack() {
    clock.set(START.minusSeconds(1));
    assertThat(clock.instant()).isEqualTo(START.minusSeconds(1));
    assertThatThrownBy(() -> clock.advance(Duration.ofSeconds(-1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("duration must be 0 or more, is PT-1S");
  }

  @Test
  void clockOfAnotherZoneMovesWithIt() {
    ManualClock other = clock.withZone(ZoneId.of("Asia/Kathmandu"));
    clock.advance(Duration.ofDays(1));
    other.advance(Duration.ofDays(1));
    assertThat(clock.instant()).isEqualTo(other.instant()).isEqualTo(START.plusSeconds(2 * 86_400));
    assertThat(other.getZone()).isEqualTo(ZoneId.of("Asia/Kathmandu"));
    assertThat(clock).hasToString("ManualClock[2026-01-03T00:00:00Z, Z]");
  }

  @Test
  void watchersHearOfEachMoveAfterIt() {
    List<Instant> heard = new ArrayList<>();
    clock.onMove(() -> heard.add(clock.instant()));
    clock.advance(Duration.ofSeconds(1));
    clock.withZone(ZoneId.of("UTC")).set(START);
    assertThat(heard).containsExactly(START.plusSeconds(1), START);
  }
}
