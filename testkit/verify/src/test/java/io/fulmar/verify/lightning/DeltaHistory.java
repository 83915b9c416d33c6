package io.fulmar.verify.lightning;

import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.SyncMode;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.lightning.internal.delta.DeltaWay;
import io.fulmar.testkit.TestDatabase;
import java.io.IOException;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.postgresql.PGConnection;

/**
 * A random history of a table with twelve keys, plain or partitioned by its seed: writers that stay
 * open, savepoints, prepared transactions, and what administrators do to tables, between the runs
 * and in the midst of them. After each plan, the delta scan has looked at all that a full
 * comparison in the same snapshot finds.
 */
final class DeltaHistory {
  private static final int KEYS = 12;
  private static final int WRITERS = 3;

  private final Random random;
  private final TestDatabase database;
  private final boolean partitioned;
  private final DeltaFixture fixture;
  private final List<Connection> writers = new ArrayList<>();
  private final Connection administrator;
  private final List<String> prepared = new ArrayList<>();
  private final List<String> log = new ArrayList<>();
  private final Map<String, Integer> seen;
  private boolean detached;
  private boolean inRun;
  private int names;

  private DeltaHistory(long seed, TestDatabase database, Map<String, Integer> seen)
      throws SQLException {
    this.random = new Random(seed);
    this.database = database;
    this.seen = seen;
    this.partitioned = random.nextInt(3) == 0;
    database.execute(
        "drop table if exists item, item_high, other cascade",
        "drop type if exists mood cascade",
        "drop schema if exists fulmar_planner cascade",
        "create type mood as enum ('calm', 'glad', 'sad')");
    make("item");
    Model model =
        Model.table("items", "public", "item").columns("id", "v", "w", "m", "n").key("id");
    this.fixture = new DeltaFixture(database, model);
    for (int i = 0; i < WRITERS; i++) {
      Connection writer = database.connect();
      writer.setAutoCommit(false);
      writers.add(writer);
      impatient(writer);
      writer.commit();
    }
    administrator = database.connect();
    impatient(administrator);
  }

  private static void impatient(Connection connection) throws SQLException {
    execute(connection, "set lock_timeout = '5ms'");
  }

  /**
   * Plays histories.
   *
   * @param first seed of the first
   * @param count how many
   * @return how often each way was gone
   */
  static Map<String, Integer> play(long first, int count, TestDatabase database)
      throws SQLException {
    Map<String, Integer> seen = new TreeMap<>();
    for (long seed = first; seed < first + count; seed++) {
      DeltaHistory history = new DeltaHistory(seed, database, seen);
      try {
        history.play();
      } catch (SQLException | RuntimeException | AssertionError e) {
        throw new AssertionError(
            "history "
                + seed
                + " (replay: -Dfulmar.seed="
                + seed
                + "):\n"
                + String.join("\n", history.log),
            e);
      } finally {
        history.close();
      }
    }
    return seen;
  }

  private void make(String table) throws SQLException {
    String columns = "id int%s, v text, w text, m mood default 'calm', n numeric default 1";
    if (!partitioned) {
      database.execute("create table %s (%s)".formatted(table, columns.formatted(" primary key")));
      return;
    }
    database.execute(
        "create table %s (%s, primary key (id)) partition by range (id)"
            .formatted(table, columns.formatted("")),
        "create table %1$s_low partition of %1$s for values from (0) to (6)".formatted(table),
        "create table %1$s_high partition of %1$s for values from (6) to (12)".formatted(table));
  }

  private void play() throws SQLException {
    fixture.fullDiffEvery = random.nextInt(5) == 0 ? Duration.ofHours(3) : Duration.ofHours(1_000);
    int steps = 6 + random.nextInt(14);
    for (int step = 0; step < steps; step++) {
      act(random.nextInt(6));
      configure();
      run();
    }
  }

  private void run() throws SQLException {
    fixture.now = fixture.now.plus(Duration.ofHours(1));
    try (DeltaFixture.Look look = fixture.open()) {
      inRun = true;
      act(random.nextInt(3) == 0 ? 1 + random.nextInt(3) : 0);
      DeltaWay way = look.look();
      act(random.nextInt(3) == 0 ? 1 + random.nextInt(3) : 0);
      Map<List<String>, DeltaFixture.Difference> differences = look.verify();
      String name = name(look.way);
      log.add(
          "run "
              + name
              + (look.way == way ? "" : ", planned as " + name(way))
              + " of "
              + differences.size());
      seen.merge(name, 1, Integer::sum);
      act(random.nextInt(3) == 0 ? 1 + random.nextInt(3) : 0);
      int mood = fixture.content.isEmpty() ? random.nextInt(4) : 0;
      fixture.fold(
          look,
          differences,
          key -> {
            int fate = random.nextInt(10);
            return mood == 0 && fate < 3
                ? DeltaFixture.Fate.NOT_TRIED
                : mood <= 1 && fate < 6 ? DeltaFixture.Fate.HELD : DeltaFixture.Fate.ACCEPTED;
          });
    } finally {
      inRun = false;
    }
  }

  private static String name(DeltaWay way) {
    if (way instanceof DeltaWay.Full full) {
      return "full: " + full.reason();
    }
    return way instanceof DeltaWay.Some some
        ? "delta: "
            + (some.removed() > 0 ? "removed" : "written")
            + (some.held() > 0 ? ", held" : "")
        : "delta: unchanged";
  }

  /** Another mode, removal or seed, now and then; a seed comes back soon. */
  private void configure() {
    int choice = random.nextInt(10);
    if (choice == 0 || (choice < 5 && !fixture.content.isEmpty())) {
      fixture.content = fixture.content.isEmpty() ? "another seed" : "";
    } else if (choice == 9) {
      fixture.sync =
          DeltaFixture.sync(fixture.sync.model())
              .onRemoved(random.nextBoolean() ? Removal.DELETE : Removal.IGNORE)
              .mode(random.nextInt(4) == 0 ? SyncMode.ALL : SyncMode.UPSERT)
              .build();
    }
  }

  private void act(int times) throws SQLException {
    for (int i = 0; i < times; i++) {
      int choice = random.nextInt(10);
      if (choice < 7) {
        write(random.nextInt(WRITERS));
      } else {
        if (random.nextInt(4) > 0) {
          endWriters();
        }
        administer();
      }
    }
  }

  // ---------------------------------------------------------------------------------- writers

  private void write(int number) throws SQLException {
    Connection writer = writers.get(number);
    int id = random.nextInt(KEYS);
    String text = "t" + random.nextInt(3);
    switch (random.nextInt(14)) {
      case 0, 1, 2, 3 ->
          attempt(
              writer,
              "insert into item (id, v, w) values (%1$s, '%2$s', 'w') on conflict (id) do update set v = excluded.v"
                  .formatted(id, text));
      case 4, 5 -> attempt(writer, "delete from item where id = " + id);
      case 6 -> attempt(writer, "update item set m = 'glad', n = n + 1 where id = " + id);
      case 7 -> attempt(writer, "savepoint s");
      case 8 ->
          attempt(writer, random.nextBoolean() ? "rollback to savepoint s" : "release savepoint s");
      case 9 -> attempt(writer, "select * from item where id = %s for update".formatted(id));
      case 10 -> {
        String name = "p" + names++;
        if (attempt(writer, "prepare transaction '" + name + "'")) {
          writer.commit(); // the driver does not know that it is over
          prepared.add(name);
        }
      }
      case 11 -> {
        if (!prepared.isEmpty()) {
          end(prepared.remove(random.nextInt(prepared.size())));
        }
      }
      case 12 -> {
        log.add("rollback " + number);
        writer.rollback();
      }
      default -> {
        log.add("commit " + number);
        writer.commit();
      }
    }
  }

  private void end(String name) throws SQLException {
    attempt(
        administrator,
        (random.nextInt(3) > 0 ? "commit" : "rollback") + " prepared '" + name + "'");
  }

  private void endWriters() throws SQLException {
    for (Connection writer : writers) {
      if (random.nextInt(4) > 0) {
        writer.commit();
      } else {
        writer.rollback();
      }
    }
    while (!prepared.isEmpty()) {
      end(prepared.remove(0));
    }
    log.add("writers ended");
  }

  /** Runs a statement; what cannot be now, since others stand in its way, is rolled back. */
  private boolean attempt(Connection connection, String... statements) throws SQLException {
    log.add((connection == administrator ? "" : "writer: ") + String.join("; ", statements));
    try {
      for (String sql : statements) {
        execute(connection, sql);
      }
      return true;
    } catch (SQLException e) {
      log.add("  " + SqlStates.code(e));
      if (!connection.getAutoCommit()) {
        connection.rollback();
      } else {
        execute(connection, "rollback");
      }
      return false;
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  // --------------------------------------------------------------------------- administrators

  private void administer() throws SQLException {
    int id = random.nextInt(KEYS);
    switch (random.nextInt(12)) {
      case 0 -> attempt(administrator, "vacuum full item");
      case 1 -> attempt(administrator, "vacuum (freeze) item");
      case 2 ->
          attempt(administrator, partitioned ? "vacuum full item" : "cluster item using item_pkey");
      case 3 -> reload();
      case 4 ->
          attempt(
              administrator,
              "begin",
              "alter table item rename v to x",
              "alter table item rename w to v",
              "alter table item rename x to w",
              "commit");
      case 5 ->
          attempt(
              administrator,
              "begin",
              "alter table item drop n",
              "alter table item add n numeric default " + random.nextInt(3),
              "commit");
      case 6 -> {
        rename("alter type mood rename value 'glad' to 'merry'");
        if (random.nextBoolean()) {
          rename("alter type mood rename value 'merry' to 'glad'");
        }
      }
      case 7 -> rename("alter type mood rename value 'merry' to 'glad'");
      case 8, 9 -> {
        if (partitioned) {
          move(id);
        } else {
          freeze();
        }
      }
      case 10 -> swap();
      default ->
          attempt(
              administrator,
              "begin",
              "truncate item",
              "rollback",
              "begin",
              "delete from item where id < 3",
              "commit");
    }
  }

  /**
   * Not while a plan is made: the text of a label is that of now, and not of the snapshot, so the
   * next run is the one that must notice.
   */
  private void rename(String sql) throws SQLException {
    if (!inRun) {
      attempt(administrator, sql);
    }
  }

  private void reload() throws SQLException {
    String values = "select i, 't' || (i %% %s), 'w' from generate_series(0, %s) i";
    String insert =
        "insert into item (id, v, w) "
            + values.formatted(1 + random.nextInt(3), detached ? 5 : random.nextInt(KEYS));
    if (random.nextBoolean()) {
      attempt(administrator, "begin", "truncate item", insert, "commit");
    } else if (attempt(administrator, "truncate item")) {
      attempt(administrator, insert);
    }
  }

  /** A partition comes or goes, and rows in it change while it is away. */
  private void move(int id) throws SQLException {
    if (!detached) {
      detached = attempt(administrator, "alter table item detach partition item_high");
      return;
    }
    attempt(administrator, "update item_high set v = 'away' where id = " + id);
    if (random.nextInt(3) == 0) {
      attempt(
          administrator,
          "begin",
          "alter table item_high rename v to x",
          "alter table item_high rename w to v",
          "alter table item_high rename x to w",
          "commit");
    }
    if (random.nextInt(3) == 0) {
      attempt(administrator, "delete from item_high where id = " + id);
    }
    detached =
        !attempt(
            administrator,
            "alter table item attach partition item_high for values from (6) to (12)");
  }

  /** COPY FREEZE: rows that are frozen from their first moment. */
  private void freeze() throws SQLException {
    log.add("copy freeze");
    try {
      administrator.setAutoCommit(false);
      execute(administrator, "truncate item");
      StringBuilder rows = new StringBuilder();
      for (int i = 0; i < KEYS; i += 1 + random.nextInt(2)) {
        rows.append(i).append("\tt").append(random.nextInt(3)).append("\tw\n");
      }
      administrator
          .unwrap(PGConnection.class)
          .getCopyAPI()
          .copyIn("copy item (id, v, w) from stdin (freeze)", new StringReader(rows.toString()));
      administrator.commit();
    } catch (SQLException e) {
      log.add("  " + SqlStates.code(e));
      administrator.rollback();
    } catch (IOException e) {
      throw new AssertionError(e);
    } finally {
      administrator.setAutoCommit(true);
    }
  }

  /** Another table of the same name, with the same rows, written long before. */
  private void swap() throws SQLException {
    if (partitioned) {
      return;
    }
    attempt(administrator, "drop table if exists other");
    attempt(
        administrator,
        "create table other (like item including all)",
        "insert into other select * from item",
        "update other set v = 'other' where id = " + random.nextInt(KEYS));
    attempt(
        administrator,
        "begin",
        "alter table item rename to gone",
        "alter table other rename to item",
        "alter table gone rename to other",
        "commit");
  }

  private void close() throws SQLException {
    for (Connection writer : writers) {
      writer.rollback();
      writer.close();
    }
    while (!prepared.isEmpty()) {
      execute(administrator, "rollback prepared '" + prepared.remove(0) + "'");
    }
    administrator.close();
    fixture.close();
  }
}
