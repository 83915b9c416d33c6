package io.fulmar.verify.bench.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fulmar.verify.bench.compare.ProcessTimes.Line;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is read out of {@code /proc}. */
class ProcessTimesTest {
  private static final double EXACTLY = 1e-9;

  @Test
  void lineOfAProcessIsRead() {
    Line line =
        Line.parse(
            "4711 (postgres: ) (x) S 42 4711 4711 0 -1 4194560 1 2 3 4 150 50 1000 25 20 0 1 0 9 8 7\n");
    assertThat(line).isEqualTo(new Line(42, 2.0, 10.25));
  }

  @Test
  void treeTakesInDescendantsAndThoseThatHaveEnded() {
    Map<Long, Line> lines =
        Map.of(
            1L, new Line(0, 100, 100),
            10L, new Line(1, 1, 2),
            11L, new Line(10, 0.5, 0),
            12L, new Line(11, 0.25, 0.125),
            20L, new Line(1, 50, 0));
    assertThat(ProcessTimes.ofTree(10, lines)).isCloseTo(3.875, within(EXACTLY));
  }

  @Test
  void mostMemoryIsReadInKilobytes() {
    assertThat(ProcessTimes.resident("Name:\tjava\nVmHWM:\t   2048 kB\nVmRSS:\t   1 kB\n"))
        .isEqualTo(2_097_152.0);
    assertThat(ProcessTimes.resident("Name:\tjava\n")).isNaN();
  }
}
