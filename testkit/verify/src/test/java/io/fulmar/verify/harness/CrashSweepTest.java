package io.fulmar.verify.harness;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.testkit.harness.CrashScenario;
import io.fulmar.testkit.harness.CrashSweep;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.SQLException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The crash sweep of the testkit over both engines, with a ready-made destination in another
 * database.
 */
@DisplayName("P1, P2, P4, A-05, A-06: the crash sweep")
class CrashSweepTest {
  /** The same points each day; the long runs try all of them. */
  private static final long SEED = Long.getLong("fulmar.seed", 20_261_129);

  private static Stream<Class<? extends CrashScenario>> lives() {
    return Stream.of(CustomerLife.Standard.class, CustomerLife.Lightning.class);
  }

  @AfterAll
  static void clean() throws SQLException {
    SharedServer.clean();
  }

  @ParameterizedTest
  @MethodSource("lives")
  @DisplayName("loses nothing at some points, some passes of them, and a pair of them")
  void losesNothingAtSomePoints(Class<? extends CrashScenario> life) throws Exception {
    CrashSweep.Result result = CrashSweep.of(life).sample(2).seed(SEED).run();
    // A pass that is not come to kills nobody: a few steps are taken more or less often.
    assertThat(result.lives()).isBetween(4, 5);
    assertThat(result.deaths()).isBetween(2, 5);
    assertThat(result.passes())
        .containsKeys("RESERVED", "ANSWERED", "FOLDED", "CLEARED", "EPOCH_GROWN", "RESET_TAKEN");
  }

  @ParameterizedTest
  @MethodSource("lives")
  @Tag("soak")
  @DisplayName("loses nothing at any point, early and late, and at many pairs of points")
  void losesNothingAtAnyPoint(Class<? extends CrashScenario> life) throws Exception {
    CrashSweep.Result result =
        CrashSweep.of(life).all().pairs(Integer.getInteger("fulmar.pairs", 100)).run();
    assertThat(result.deaths()).isGreaterThan(result.passes().size());
  }
}
