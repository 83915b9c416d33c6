package io.fulmar.verify.engine;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.harness.History;
import io.fulmar.harness.RunnerSubject;
import io.fulmar.harness.SourceRow;
import io.fulmar.internal.standard.StandardStore;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.SyncStore;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The standard engine in the random histories that the runner goes through in the tests of core: a
 * real PostgreSQL with a table of rows (k, v), and a state directory of its own for each history.
 */
@DisplayName("P1, P2, P3, P8, P12: random histories of the standard engine")
class StandardHistoriesTest {
  private static TestPostgres postgres;
  private static TestDatabase database;

  @TempDir static Path states;

  @BeforeAll
  static void start() throws SQLException {
    postgres = TestPostgres.start();
    database = postgres.createDatabase();
    database.execute(
        """
        create table item (
          k text,
          v text,
          n int8 generated always as (length(v)) stored,
          amount numeric generated always as (length(v) / 3.0) stored,
          ratio float8 generated always as (length(v) / 7.0) stored,
          late boolean generated always as (v > 'b') stored,
          raw bytea generated always as (decode(md5(v), 'hex')) stored,
          uid uuid generated always as (md5(v)::uuid) stored,
          day date generated always as (date '2000-01-01' + length(v)) stored,
          at timestamp generated always as (timestamp '2000-01-01' + length(v) * interval '1 s') stored,
          doc jsonb generated always as (('{"of": ' || length(v) || '}')::jsonb) stored,
          tags text[] generated always as (array[left(v, 9), null]) stored)
        """);
  }

  @AfterAll
  static void stop() {
    postgres.close();
  }

  @Test
  void destinationEqualsTheSourceInTheEnd() {
    History.playAll(1, Integer.getInteger("fulmar.histories", 50), StandardSubject::new);
  }

  @Test
  @Tag("soak")
  void destinationEqualsTheSourceInTheEndOfManyHistories() {
    long first = Math.floorMod(System.nanoTime(), 1_000_000L) * 1_000_000L;
    Map<String, Integer> seen =
        History.playAll(first, Integer.getInteger("fulmar.histories", 2_000), StandardSubject::new);
    System.out.println("histories from " + first + ": " + seen);
  }

  /** The runner over a {@link StandardStore}. */
  private static final class StandardSubject extends RunnerSubject {
    private final Path state;
    private final Connection connection;
    private final Source source =
        Source.builder()
            .host(database.host())
            .port(database.port())
            .database(database.name())
            .user(database.user())
            .withoutTls()
            .build();

    StandardSubject(long seed) {
      state = states.resolve(Long.toString(seed));
      try {
        connection = database.connect();
        connection.setAutoCommit(false);
      } catch (SQLException e) {
        throw new AssertionError(e);
      }
      source(List.of());
    }

    @Override
    protected SyncStore open() {
      return new StandardStore(source, state, StandardStore.MissingState.BEGIN, 1 << 20, clock());
    }

    @Override
    protected void died(@Nullable Claim left) {
      if (left != null) {
        left.close();
      }
    }

    @Override
    public Model model(int mapping) {
      String sql = mapping == 0 ? "select * from item" : "select *, 1 as one from item";
      return Model.query("items", sql).key("k");
    }

    @Override
    public void source(List<SourceRow> rows) {
      try (Statement delete = connection.createStatement();
          PreparedStatement insert =
              connection.prepareStatement("insert into item (k, v) values (?, ?)")) {
        delete.execute("delete from item");
        for (SourceRow row : rows) {
          insert.setString(1, row.key());
          insert.setString(2, row.content());
          insert.addBatch();
        }
        insert.executeBatch();
        connection.commit();
      } catch (SQLException e) {
        throw new AssertionError(e);
      }
    }

    @Override
    public void close() {
      try {
        connection.close();
      } catch (SQLException e) {
        throw new AssertionError(e);
      }
    }
  }
}
