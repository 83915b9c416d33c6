package io.fulmar.verify.bench.compare;

import io.fulmar.Operation;
import io.fulmar.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one writes by hand outside the database: a reader over JDBC and a map from keys to hashes of
 * rows. It forgets everything when the process ends. Orders with a key of one column only.
 */
final class MapPeer implements Contender {
  private static final int FETCH = 10_000;
  private static final long PRIME = 0x9E3779B97F4A7C15L;

  private final String model;
  private final Map<Long, Known> known = new HashMap<>();
  private int run;

  MapPeer(String model) {
    this.model = model;
  }

  private static final class Known {
    long hash;
    int seen;
  }

  @Override
  public void first(TestDatabase at, Tally tally, long expected) throws SQLException {
    sync(at, tally);
  }

  @Override
  public void sync(TestDatabase at, Tally tally) throws SQLException {
    run++;
    try (Connection connection = at.connect()) {
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        statement.setFetchSize(FETCH);
        try (ResultSet row = statement.executeQuery(model)) {
          while (row.next()) {
            compare(row, tally);
          }
        }
      }
    }
    for (Iterator<Map.Entry<Long, Known>> all = known.entrySet().iterator(); all.hasNext(); ) {
      Map.Entry<Long, Known> each = all.next();
      if (each.getValue().seen != run) {
        tally.add(Operation.REMOVED, each.getKey(), null);
        all.remove();
      }
    }
  }

  private void compare(ResultSet row, Tally tally) throws SQLException {
    long key = row.getLong(1);
    long hash = hash(row);
    @Nullable Known before = known.get(key);
    if (before == null) {
      before = new Known();
      known.put(key, before);
      deliver(Operation.ADDED, key, row, tally);
    } else if (before.hash != hash) {
      deliver(Operation.CHANGED, key, row, tally);
    }
    before.hash = hash;
    before.seen = run;
  }

  private static void deliver(Operation operation, long key, ResultSet row, Tally tally)
      throws SQLException {
    tally.add(operation, key, tally.complete() ? row.getBigDecimal("o_totalprice") : null);
  }

  private static long hash(ResultSet row) throws SQLException {
    long hash = 0;
    for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
      String text = row.getString(i);
      hash = (hash ^ (text == null ? 1 : hash(text))) * PRIME;
    }
    return hash;
  }

  private static long hash(String text) {
    long hash = text.length();
    for (int i = 0; i < text.length(); i++) {
      hash = hash * 31 + text.charAt(i);
    }
    return hash;
  }

  @Override
  public StateSize state() {
    return StateSize.IN_HEAP;
  }

  @Override
  public void forget() {
    known.clear();
  }
}
