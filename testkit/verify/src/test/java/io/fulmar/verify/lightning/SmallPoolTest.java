package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import java.time.Duration;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The application gives a pool of two connections, which the run, its lanes and its heartbeat
 * share.
 */
@DisplayName("P4: a pool of the application with two connections is enough")
@Timeout(120)
class SmallPoolTest extends LightningFixture {
  private static final Duration LEASE = Duration.ofSeconds(2);

  @BeforeEach
  void createCopy() throws Exception {
    database.execute(
        "create table copy (id int8 primary key, v text)",
        "grant select, insert, update, delete on copy to " + ROLE,
        "grant temporary on database " + database.name() + " to " + ROLE,
        "insert into item select i, 'v' || i from generate_series(11, 2000) i");
  }

  private HikariDataSource pool() {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(database.jdbcUrl());
    config.setUsername(ROLE);
    config.setMaximumPoolSize(2);
    config.setConnectionTimeout(5_000);
    return new HikariDataSource(config);
  }

  private static SyncReport run(DataSource pool, Sync sync) {
    try (LightningEngine engine = LightningEngine.builder(Source.of(pool)).lease(LEASE).build()) {
      return engine.run(sync).throwIfFailed();
    }
  }

  private static final Model ITEMS = Model.query("items", "select id, v from item").key("id");

  @Test
  @DisplayName("P4: a plan that takes longer than the lease leaves one for the heartbeat")
  void planIsLongerThanTheLease() {
    Model slow =
        Model.query("items", "select i.id, i.v from item i, (select pg_sleep(4) offset 0) s")
            .key("id");
    try (HikariDataSource pool = pool()) {
      assertThat(run(pool, syncBuilder().model(slow).build()).total().accepted()).isEqualTo(2_000);
    }
  }

  @Test
  @DisplayName("P4: lanes that reserve all the time leave the heartbeat its turn")
  void lanesReserveAllTheTime() {
    try (HikariDataSource pool = pool()) {
      Sync sync = syncBuilder().model(ITEMS).lanes(8).batchRows(1).build();
      assertThat(run(pool, sync).total().accepted()).isEqualTo(2_000);
    }
  }

  @Test
  @DisplayName("P4: lanes that write together with the state wait for no second connection each")
  void lanesWriteTogetherWithTheState() {
    try (HikariDataSource pool = pool()) {
      Sync sync =
          Sync.builder("copy")
              .model(ITEMS)
              .to(
                  PostgresDestination.builder(Source.of(pool))
                      .table("public", "copy")
                      .maxRows(3)
                      .identity("copy")
                      .exactlyOnce()
                      .build())
              .lanes(4)
              .build();
      assertThat(run(pool, sync).total().accepted()).isEqualTo(2_000);
    }
  }
}
