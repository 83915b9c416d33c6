package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.lightning.internal.delta.DeltaWay;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every statement of the delta scan on the oldest and the newest PostgreSQL, and what only newer
 * ones have. Each test has a server of its own; what the scan looks at is held against a comparison
 * of all rows ({@link DeltaFixture}).
 */
@DisplayName("P1: the delta scan on other versions of PostgreSQL")
class DeltaVersionsTest {
  private static final Model ITEM = Model.table("items", "public", "item").key("k");

  @AfterAll
  static void clean() throws SQLException {
    SharedServer.clean();
  }

  @ParameterizedTest
  @ValueSource(ints = {14, 18})
  void rowsAreFoundOnOldAndNewServers(int major) throws SQLException {
    TestPostgres postgres = SharedServer.of(major);
    TestDatabase database = postgres.createDatabase();
    database.execute(
        "create table item (k text primary key, v text) partition by hash (k)",
        "create table item_0 partition of item for values with (modulus 2, remainder 0)",
        "create table item_1 partition of item for values with (modulus 2, remainder 1)",
        "insert into item select 'k' || i, 'v' from generate_series(1, 15000) i");
    try (DeltaFixture fixture = new DeltaFixture(database, ITEM)) {
      fixture.run();
      assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(15_000));
      database.execute(
          "update item set v = 'x' where k in ('k1', 'k2', 'k3')",
          "delete from item where k = 'k4'");
      fixture.run(
          key -> key.get(0).equals("k3") ? DeltaFixture.Fate.HELD : DeltaFixture.Fate.ACCEPTED);
      database.execute("delete from item where k in ('k3', 'k5')", "insert into item values ('n')");
      assertThat(fixture.run().way().reason())
          .isEqualTo("since the base 1 rows were written and 2 removed; 1 keys are held");
      burn(database, 2_100);
      assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(14_998));
      database.execute("delete from item where k not like 'k9%'");
      DeltaWay many = fixture.run();
      assertThat(many)
          .isInstanceOfSatisfying(
              DeltaWay.Some.class, some -> assertThat(some.removed()).isGreaterThan(10_000));
      assertThat(fixture.run()).isInstanceOf(DeltaWay.Unchanged.class);
    }
  }

  @ParameterizedTest
  @DisplayName("P1, P5: what was written is found in tables of many pages")
  @ValueSource(ints = {14, 16, 18})
  void rowsAreFoundOnManyPages(int major) throws SQLException {
    try (TestPostgres postgres = TestPostgres.start(major)) {
      TestDatabase database = postgres.createDatabase();
      database.execute(
          "create table item (k int primary key, v text) with (fillfactor = 10)",
          "insert into item select i, 'v' from generate_series(1, 6000) i");
      try (DeltaFixture fixture = new DeltaFixture(database, ITEM)) {
        fixture.run();
        database.execute("update item set v = 'x' where k % 1000 = 7 or k > 4000");
        fixture.run(
            key -> key.get(0).equals("7") ? DeltaFixture.Fate.HELD : DeltaFixture.Fate.ACCEPTED);
        database.execute(
            "update item set v = 'y' where k % 400 = 1",
            "delete from item where k = 7", "insert into item values (7, 'new')");
        assertThat(fixture.run().way().reason())
            .isEqualTo("since the base 16 rows were written and 0 removed; 1 keys are held");
      }
    }
  }

  /** Uses up numbers of transactions, more than a scan lists. */
  private static void burn(TestDatabase database, int transactions) throws SQLException {
    database.execute(
        "do $$ begin for i in 1..%s loop perform pg_current_xact_id(); commit; end loop; end $$"
            .formatted(transactions));
  }

  @Test
  void constraintThatWasNeverValidatedProvesNoKey() throws SQLException {
    TestPostgres postgres = SharedServer.of(18);
    TestDatabase database = postgres.createDatabase();
    database.execute(
        "create table item (k text, v text generated always as (k || '!') virtual)",
        "create unique index on item (k)",
        "alter table item add constraint there not null k not valid",
        "insert into item values ('a')");
    try (DeltaFixture fixture = new DeltaFixture(database, ITEM)) {
      assertThat(fixture.run()).isEqualTo(new DeltaWay.Full("a column of the key may be NULL"));
      database.execute("alter table item validate constraint there");
      fixture.run();
      assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(1));
      database.execute("alter table item alter v set expression as (k || '?')");
      assertThat(fixture.run())
          .isEqualTo(
              new DeltaWay.Full("a column of the table was altered, or made anew since the base"));
      assertThat(fixture.run()).isEqualTo(new DeltaWay.Unchanged(1));
    }
  }
}
