package io.fulmar.verify.harness;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.testkit.TestServer;
import io.fulmar.testkit.harness.RandomHistories;
import io.fulmar.verify.fixture.EngineUnderTest;
import io.fulmar.verify.fixture.SharedServer;
import io.fulmar.verify.harness.TableHistory.Databases;
import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The random histories of the testkit over both engines, with a ready-made destination in another
 * database.
 */
@DisplayName("P1, P2, P3, P4, P8: random histories of an application's own destination")
class RandomHistoriesTest {
  @TempDir static Path states;

  @AfterAll
  static void clean() throws SQLException {
    SharedServer.clean();
  }

  private static RandomHistories histories(EngineUnderTest kind) {
    TestServer postgres = SharedServer.get();
    Databases databases = new Databases(postgres.createDatabase(), postgres.createDatabase());
    return RandomHistories.of(seed -> new TableHistory(kind, databases, states, seed));
  }

  @ParameterizedTest
  @EnumSource
  void destinationEqualsTheSourceInTheEnd(EngineUnderTest kind) throws Exception {
    RandomHistories.Result result =
        histories(kind)
            .seed(Long.getLong("fulmar.seed", 1))
            .count(Integer.getInteger("fulmar.histories", 4))
            .play();
    assertThat(result.events()).containsKey("calm");
    assertThat(result.runs()).isGreaterThan(result.histories());
  }

  @ParameterizedTest
  @EnumSource
  @Tag("soak")
  void destinationEqualsTheSourceInTheEndOfManyHistories(EngineUnderTest kind) throws Exception {
    RandomHistories.Result result =
        histories(kind).count(Integer.getInteger("fulmar.histories", 300)).play();
    assertThat(result.events())
        .containsKeys("reset", "forget", "held", "close", "cancel", "interrupt", "resync")
        .containsKeys("storm: acts late", "storm: hangs", "storm: answer lost", "plan");
  }
}
