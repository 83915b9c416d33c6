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
import io.fulmar.spi.Delivery;
import io.fulmar.spi.StopRunException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
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
  private static final Duration LEASE = Duration.ofSeconds(6);
  private static final Duration SHORT_LEASE = Duration.ofSeconds(2);

  /** A heartbeat puts it off. */
  private static final String EXPIRES = "select expires_at from fulmar_planner.fulmar_leases";

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

  private static SyncReport run(DataSource pool, Duration lease, Sync sync) {
    try (LightningEngine engine = LightningEngine.builder(Source.of(pool)).lease(lease).build()) {
      return engine.run(sync);
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
      SyncReport report = run(pool, SHORT_LEASE, syncBuilder().model(slow).build());
      assertThat(report.throwIfFailed().total().accepted()).isEqualTo(2_000);
    }
  }

  @Test
  @DisplayName("P4: lanes that reserve all the time leave the heartbeat its turn")
  void lanesReserveAllTheTime() throws Exception {
    database.execute("insert into item select i, 'v' || i from generate_series(2001, 40000) i");
    AtomicInteger calls = new AtomicInteger();
    // While they do, at least one heartbeat comes through.
    AtomicReference<@Nullable String> expires = new AtomicReference<>();
    destination.answers(
        (run, batch) -> {
          if (calls.incrementAndGet() % 100 == 0) {
            String now = query(EXPIRES);
            if (!expires.compareAndSet(null, now) && !expires.get().equals(now)) {
              throw new StopRunException("BEATEN", "that is enough");
            }
          }
          return Delivery.allAccepted();
        });
    try (HikariDataSource pool = pool()) {
      Sync sync = syncBuilder().model(ITEMS).lanes(8).batchRows(1).build();
      assertThat(run(pool, LEASE, sync).error()).hasMessageContaining("that is enough");
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
      assertThat(run(pool, LEASE, sync).throwIfFailed().total().accepted()).isEqualTo(2_000);
    }
  }
}
