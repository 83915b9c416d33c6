package io.fulmar.verify.engine;

import io.fulmar.Removal;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.LightningSetup;
import io.fulmar.testkit.ManualClock;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;

/**
 * What tests of the move from the standard engine to Lightning share: a table of 20 items, and a
 * clock by which both engines go.
 */
abstract class MoveFixture extends SourceFixture {

  final ManualClock clock = ManualClock.at(Instant.parse("2026-03-01T00:00:00Z"));

  @BeforeEach
  void createSchemasAndItems() throws SQLException {
    database.execute(LightningSetup.of(database.user()).setupSql());
    database.execute(
        "create table item (id int primary key, name text, price numeric(10,2))",
        "insert into item select i, 'item ' || i, i * 1.5 from generate_series(1, 20) i");
  }

  Sync.Builder items() {
    return sync("select id, name, price from item", "id")
        .onRemoved(Removal.DELETE)
        .guardRemovals(1, Long.MAX_VALUE)
        .callDeadline(Duration.ofSeconds(10));
  }

  SyncReport onStandard(Sync sync) {
    clock.advance(Duration.ofMinutes(1));
    return standard(engine -> engine.run(sync));
  }

  SyncReport onLightning(Sync sync) {
    clock.advance(Duration.ofMinutes(1));
    return lightning(engine -> engine.run(sync));
  }

  <T> T standard(Function<SyncEngine, T> ask) {
    try (SyncEngine engine = StandardEngine.builder(source(), state).clock(clock).build()) {
      return ask.apply(engine);
    }
  }

  <T> T lightning(Function<LightningEngine, T> ask) {
    try (LightningEngine engine = LightningEngine.builder(source()).clock(clock).build()) {
      return ask.apply(engine);
    }
  }

  void move(Sync sync) {
    move(sync, state);
  }

  void move(Sync sync, Path from) {
    lightning(
        engine -> {
          engine.moveIn(sync, from);
          return sync;
        });
  }
}
