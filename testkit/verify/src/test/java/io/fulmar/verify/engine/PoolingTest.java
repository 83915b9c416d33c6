package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.Source;
import io.fulmar.internal.postgres.Pooling;
import io.fulmar.testkit.internal.postgres.PgBouncer;
import io.fulmar.testkit.internal.postgres.PgBouncer.PoolMode;
import java.sql.Connection;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How a pooler is noticed, on a real PgBouncer in each of its modes. */
@DisplayName("F: a pooler is noticed")
class PoolingTest extends SourceFixture {
  @Test
  void serverWithoutPoolerIsSeenAsSuch() throws Exception {
    try (Connection first = database.connect();
        Connection second = database.connect()) {
      assertThat(Pooling.between(first, second)).isEqualTo(Pooling.NONE);
      assertThat(Pooling.isBehind(first)).isFalse();
      assertThat(Pooling.isByStatement(first)).isFalse();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "SESSION, 2, 0",
    "TRANSACTION, 1, 0",
    "TRANSACTION, 2, 0",
    "TRANSACTION, 3, 1",
    "STATEMENT, 2, 0"
  })
  void modeOfPoolerIsFoundOut(PoolMode mode, int poolSize, String roundRobin) throws Exception {
    try (PgBouncer pooler =
            PgBouncer.before(database)
                .poolMode(mode)
                .poolSize(poolSize)
                .setting("server_round_robin", roundRobin)
                .start();
        Connection first = pooler.database().connect();
        Connection second = pooler.database().connect()) {
      second.setAutoCommit(false);
      assertThat(Pooling.between(first, second)).hasToString(mode.name());
      assertThat(Pooling.isBehind(first)).isTrue();
      assertThat(first.getAutoCommit()).isTrue();
      if (mode != PoolMode.STATEMENT) {
        assertThat(second.getAutoCommit()).isFalse();
        assertThat(Pooling.isByStatement(first)).isFalse();
      }
      List<Map<String, String>> servers = pooler.admin("show servers");
      assertThat(servers).as("the fixture pools").isNotEmpty().hasSizeLessThanOrEqualTo(poolSize);
    }
  }

  @Test
  @DisplayName("F-06: statement pooling is refused with an explanation")
  void statementPoolingIsRefusedWithExplanation() throws Exception {
    try (PgBouncer pooler =
        PgBouncer.before(database).poolMode(PoolMode.STATEMENT).poolSize(2).start()) {
      Source own = sourceBuilder().port(pooler.port()).build();
      assertRefused(own, "localhost:" + pooler.port() + "/" + database.name());
      assertRefused(Source.of(pooler.database().dataSource()), "the application's data source");
    }
  }

  private void assertRefused(Source source, String place) {
    assertThatThrownBy(() -> run(source, sync("select 1 as id", "id").build()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageMatching(
            "Cannot read the source: a pooler before \\Q%s\\E pools by statement, so there are no transactions\\. Set its pool_mode to transaction or session\\. \\[sync=crm run=\\d+]"
                .formatted(place));
  }
}
