package io.fulmar.verify.bench.compare;

import io.fulmar.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.EnumSet;
import java.util.Set;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

/** Reads all rows and throws them away, or has them counted: nothing is compared. */
final class Read implements Contender {
  private static final int FETCH = 10_000;

  private final Way way;

  /** How rows are read. */
  @FunctionalInterface
  interface Way {
    /** Reads them once and says how many there were. */
    long read(TestDatabase at) throws SQLException;
  }

  private Read(Way way) {
    this.way = way;
  }

  /** By binary COPY, the yardstick. */
  static Read copy(String model) {
    return new Read(at -> copied(at, model));
  }

  /** By a portal, 10,000 rows at a time. */
  static Read cursor(String model) {
    return new Read(at -> fetched(at, model));
  }

  /** Not at all: the server counts them. */
  static Read count(String model) {
    return new Read(at -> Connections.number(at, "select count(*) from %s".formatted(model)));
  }

  /** Binary COPY through the driver, bytes thrown away. */
  static long copied(TestDatabase at, String model) throws SQLException {
    try (Connection connection = at.connect()) {
      CopyOut out =
          connection
              .unwrap(PGConnection.class)
              .getCopyAPI()
              .copyOut("copy (%s) to stdout (format binary)".formatted(model));
      long rows = -1; // the trailer is a message too
      while (out.readFromCopy() != null) {
        rows++;
      }
      return rows;
    }
  }

  private static long fetched(TestDatabase at, String model) throws SQLException {
    try (Connection connection = at.connect()) {
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        statement.setFetchSize(FETCH);
        long rows = 0;
        try (ResultSet result = statement.executeQuery(model)) {
          while (result.next()) {
            rows++;
          }
        }
        return rows;
      }
    }
  }

  @Override
  public Set<Scenario> scenarios() {
    return EnumSet.of(Scenario.UNCHANGED);
  }

  @Override
  public void first(TestDatabase at, Tally tally, long expected) {
    // It has no memory that could be empty.
  }

  @Override
  public void sync(TestDatabase at, Tally tally) throws SQLException {
    tally.read(way.read(at));
  }

  @Override
  public StateSize state() {
    return StateSize.NONE;
  }

  @Override
  public void forget() {
    // There is nothing.
  }
}
