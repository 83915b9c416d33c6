package io.fulmar.verify.bench.compare;

import io.fulmar.Operation;
import io.fulmar.testkit.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * All rounds of one contender on rows of one shape and number, in a process of its own. Round 0 is
 * for the compiler: it goes through a relay that counts bytes and round trips, and all values that
 * are delivered are checked; its times do not count. In the other rounds, the count and the keys of
 * what is delivered are checked.
 */
final class Trial {
  private static final int NUMBER_OF_ARGUMENTS = 10;

  private static final String EXPECTED =
      """
      select count(*), coalesce(sum(%s), 0)::int8, coalesce(sum(%s), 0)
      from (%s) as m where %s
      """;

  private static final String KEEP = "create table removed as select * from orders where %s";
  private static final String REMOVE = "delete from orders where %s";
  private static final String[] PUT_BACK = {
    "insert into orders select * from removed", "drop table removed"
  };

  private final Shape shape;
  private final Entrant entrant;
  private final TestDatabase database;
  private final int rounds;
  private final Set<Scenario> scenarios;
  private final String heap;
  private final Path results;
  private final long rows;

  private Trial(String[] args) throws SQLException {
    if (args.length != NUMBER_OF_ARGUMENTS) {
      throw new IllegalArgumentException(
          "contender, shape, host, port, database, user, rounds, sweep or short, heap, file");
    }
    entrant = Entrant.valueOf(args[0]);
    shape = Shape.valueOf(args[1]);
    database = new TestDatabase(args[2], Integer.parseInt(args[3]), args[4], args[5]);
    rounds = Integer.parseInt(args[6]);
    scenarios = Shape.scenarios("sweep".equals(args[7]));
    heap = args[8];
    results = Path.of(args[9]);
    rows = Connections.number(database, "select count(*) from (%s) as m".formatted(shape.model()));
  }

  /**
   * Runs it.
   *
   * @param args contender, shape, host, port, database, user, rounds, {@code sweep} for all shares
   *     of changes or {@code short}, heap, the file that takes the measurements
   */
  public static void main(String[] args) {
    try {
      new Trial(args).run();
      System.exit(0); // some threads of peers are no daemons
    } catch (Exception e) {
      e.printStackTrace();
      System.exit(1);
    }
  }

  private void run() throws Exception {
    try (Relay relay = new Relay(database.port());
        Meter meter = new Meter(database, relay);
        Contender contender = entrant.open(shape, database)) {
      TestDatabase relayed =
          new TestDatabase("127.0.0.1", relay.port(), database.name(), database.user());
      for (int round = 0; round <= rounds; round++) {
        new Round(round, round == 0 ? relayed : database, meter, contender).run();
      }
    }
  }

  private final class Round {
    private final int number;
    private final TestDatabase way;
    private final Meter meter;
    private final Contender contender;
    private final boolean isWarmUp;
    private final List<String> lines = new ArrayList<>();
    private double copySeconds;

    Round(int number, TestDatabase way, Meter meter, Contender contender) {
      this.number = number;
      this.way = way;
      this.meter = meter;
      this.contender = contender;
      isWarmUp = number == 0;
    }

    void run() throws Exception {
      first();
      for (Scenario each : Scenario.values()) {
        if (each != Scenario.FIRST && scenarios.contains(each) && isMeant(each)) {
          after(each);
        }
      }
      contender.forget();
      if (scenarios.contains(Scenario.CHANGED_1) && isMeant(Scenario.CHANGED_1)) {
        database.execute("vacuum full orders", "vacuum (analyze) orders");
      }
      Files.write(results, lines, StandardOpenOption.APPEND);
    }

    private boolean isMeant(Scenario scenario) {
      return contender.scenarios().contains(scenario);
    }

    /** How long a bare COPY takes at this moment, for what is measured next. */
    private double copy() throws SQLException {
      long began = System.nanoTime();
      long read = Read.copied(database, shape.model());
      if (read != rows) {
        throw new IllegalStateException("%d rows instead of %d".formatted(read, rows));
      }
      return (System.nanoTime() - began) / 1e9;
    }

    private void first() throws Exception {
      Tally.Expected expected = expected(Operation.ADDED, "true");
      Tally tally = new Tally(isWarmUp);
      Meter.Work work = () -> contender.first(way, tally, expected.count());
      if (isMeant(Scenario.FIRST)) {
        copySeconds = copy();
        take(Scenario.FIRST, meter.measure(isWarmUp, () -> {}, work, contender), tally, expected);
      } else {
        work.run();
      }
    }

    private void after(Scenario scenario) throws Exception {
      int remainder = scenario.modulus() == 0 ? 0 : number % scenario.modulus();
      String which =
          scenario.modulus() == 0 ? "false" : shape.changed(scenario.modulus(), remainder);
      Operation operation = scenario == Scenario.REMOVED_10 ? Operation.REMOVED : Operation.CHANGED;
      Tally.Expected expected = expected(operation, which);
      if (scenario == Scenario.UNCHANGED_FOR_LONG) {
        contender.sync(way, new Tally(false)); // the second time
      }
      copySeconds = copy();
      Tally tally = new Tally(isWarmUp);
      contender.expect(tally, expected.count());
      Meter.Work before = () -> prepare(scenario, which, remainder);
      if (!contender.streams()) {
        before.run();
        vacuum();
        before = () -> {};
      }
      Measurement.Amounts amounts =
          meter.measure(isWarmUp, before, () -> contender.sync(way, tally), contender);
      if (operation == Operation.CHANGED) {
        expected = expected(operation, which); // the values are new ones
      }
      take(scenario, amounts, tally, expected);
      if (contender.streams()) {
        vacuum();
      }
      if (operation == Operation.REMOVED) {
        putBack(which, expected.count());
      }
    }

    private void prepare(Scenario scenario, String which, int remainder) throws SQLException {
      if (scenario == Scenario.REMOVED_10) {
        database.execute(KEEP.formatted(which), REMOVE.formatted(which));
      } else if (scenario.changes()) {
        database.execute(shape.change(scenario.modulus(), remainder));
      }
    }

    private void putBack(String which, long count) throws Exception {
      Tally tally = new Tally(false);
      contender.expect(tally, count);
      database.execute(PUT_BACK);
      vacuum();
      contender.sync(way, tally);
      String mismatch = tally.compare(expected(Operation.ADDED, which));
      if (!mismatch.isEmpty()) {
        throw new IllegalStateException("rows were put back; %s".formatted(mismatch));
      }
    }

    private void vacuum() throws SQLException {
      database.execute("vacuum (analyze) orders");
    }

    private void take(
        Scenario scenario, Measurement.Amounts amounts, Tally tally, Tally.Expected expected) {
      String mismatch = tally.compare(expected);
      lines.add(
          new Measurement(
                  shape.label(),
                  rows,
                  entrant.label(),
                  heap,
                  scenario.title(),
                  number,
                  amounts.besideCopy(copySeconds),
                  contender.note(),
                  mismatch)
              .toLine());
      System.err.printf(
          "    round %d of %d: %s %.3f s %s%n",
          number, rounds, scenario.title(), amounts.seconds(), mismatch);
    }

    private Tally.Expected expected(Operation operation, String which) throws SQLException {
      try (Connection connection = Connections.open(database);
          Statement statement = connection.createStatement();
          ResultSet row =
              statement.executeQuery(
                  EXPECTED.formatted(shape.number(), shape.value(), shape.model(), which))) {
        row.next();
        return new Tally.Expected(
            operation, row.getLong(1), row.getLong(2), row.getBigDecimal(3), rows);
      }
    }
  }
}
