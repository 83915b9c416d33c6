package io.fulmar.verify.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fulmar.verify.bench.compare.Entrant;
import io.fulmar.verify.bench.compare.Shape;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What the benchmark takes as arguments, and what it says to others. */
class OptionsTest {
  @Test
  void noArgumentsGiveTheDefaults() {
    Options options = Options.parse();
    assertThat(options.isHelp()).isFalse();
    assertThat(options.isResumed()).isFalse();
    assertThat(options.rows()).containsExactly(10_000L, 100_000L, 300_000L);
    assertThat(options.mostRows()).isEqualTo(300_000);
    assertThat(options.shapeRows()).isEqualTo(100_000);
    assertThat(options.rounds()).isEqualTo(3);
    assertThat(options.sections()).isEmpty();
    assertThat(options.only()).containsExactlyInAnyOrder(Entrant.values());
    assertThat(options.shapes()).containsExactlyInAnyOrder(Shape.values());
    assertThat(options.out()).isEqualTo(Path.of("target/bench"));
  }

  @Test
  void everyOptionIsTaken() {
    Options options =
        Options.parse(
            "--rows 1M,2500,10k --shape-rows 5k --rounds 7 --section compare,tunnel --only debezium,standard-query --shapes join --resume --out elsewhere"
                .split(" "));
    assertThat(options.rows()).containsExactly(2_500L, 10_000L, 1_000_000L);
    assertThat(options.shapeRows()).isEqualTo(5_000);
    assertThat(options.rounds()).isEqualTo(7);
    assertThat(options.sections()).containsExactlyInAnyOrder(Section.COMPARE, Section.TUNNEL);
    assertThat(options.only()).containsExactlyInAnyOrder(Entrant.DEBEZIUM, Entrant.STANDARD_QUERY);
    assertThat(options.shapes()).containsExactly(Shape.JOIN);
    assertThat(options.isResumed()).isTrue();
    assertThat(options.out()).isEqualTo(Path.of("elsewhere"));
  }

  @Test
  void shapesHaveAtMostOneMillionOrdersUnlessTold() {
    assertThat(Options.parse("--rows", "10M").shapeRows()).isEqualTo(1_000_000);
    assertThat(Options.parse("--rows", "200").shapeRows()).isEqualTo(100);
  }

  @Test
  void helpNamesEveryOptionSectionContenderAndShape() {
    assertThat(Options.parse("--help").isHelp()).isTrue();
    assertThat(Options.HELP)
        .contains("--rows", "--shape-rows", "--rounds", "--section", "--only", "--shapes")
        .contains(Section.labels())
        .contains(Entrant.labels());
    for (Shape each : Shape.values()) {
      assertThat(Options.HELP).contains(each.label());
    }
  }

  @Test
  void unknownNamesAreRefusedWithThoseThatThereAre() {
    refused("--row", "Unknown option \"--row\". There are: --rows, --shape-rows, --rounds,");
    refused("3000", "Unknown option \"3000\". There are: --rows,");
    refused("--only lightening", "Unknown contender \"lightening\". There are: copy, cursor,");
    refused("--section micro-tunnel", "Unknown section \"micro-tunnel\". There are: compare,");
    refused("--shapes round", "Unknown shape \"round\". There are: narrow, wide,");
  }

  @Test
  void badValuesAreRefused() {
    refused("--rows", "Cannot read --rows: it needs a value.");
    refused("--rows 10K", "Cannot read the number \"10K\": say 2500, 10k or 1M.");
    refused("--rows 1k,", "Cannot read the number \"\"");
    refused("--rows 99", "Cannot compare 99 rows: at least 100 are needed.");
    refused("--rounds 0", "Cannot run 0 rounds: say a number from 1 to 99.");
  }

  private static void refused(String args, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Options.parse(args.split(" ")))
        .withMessageStartingWith(message);
  }
}
