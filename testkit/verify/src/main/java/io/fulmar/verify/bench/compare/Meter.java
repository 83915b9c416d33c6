package io.fulmar.verify.bench.compare;

import com.sun.management.OperatingSystemMXBean;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.verify.bench.PeakHeap;
import java.lang.management.ManagementFactory;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * Reads the clocks and counters around one run of a contender. It has a connection of its own, on
 * which nothing happens while a run lasts.
 */
final class Meter implements AutoCloseable {
  private static final String COUNTERS =
      """
      select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8, temp_bytes::float8
      from pg_stat_database where datname = current_database()
      """;

  /** Sessions count their temporary files for others when they end, which takes them a moment. */
  private static final String OTHERS =
      """
      select count(*) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()
        and backend_type in ('client backend', 'parallel worker')
      """;

  private static final String OWN = "select pg_backend_pid()";

  private static final Duration LEAVE = Duration.ofSeconds(1);
  private static final Duration PAUSE = Duration.ofMillis(5);

  private final OperatingSystemMXBean jvm =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
  private final PeakHeap heap = new PeakHeap();
  private final Connection connection;
  private final long postmaster;
  private final Relay relay;

  /** What is measured. */
  @FunctionalInterface
  interface Work {
    /** Does it once. */
    void run() throws Exception;
  }

  Meter(TestDatabase database, Relay relay) throws SQLException {
    this.relay = relay;
    connection = database.connect();
    postmaster = ProcessTimes.parent((long) number(OWN));
  }

  private record Counters(double wal, double temporary, double server) {}

  /**
   * Measures something.
   *
   * @param isRelayed whether it goes through the relay
   * @param before what is done right before the clocks are read
   * @param work what
   * @param state what is kept afterwards
   * @return all but what the bare COPY takes
   */
  Measurement.Amounts measure(boolean isRelayed, Work before, Work work, Contender state)
      throws Exception {
    System.gc();
    heap.reset();
    ProcessTimes.resetResident();
    before.run();
    long committed = System.nanoTime();
    Relay.Traffic traffic = relay.traffic();
    Counters then = counters();
    long cpu = jvm.getProcessCpuTime();
    long began = state.streams() ? committed : System.nanoTime();
    work.run();
    long ended = System.nanoTime();
    double jvmCpu = (jvm.getProcessCpuTime() - cpu) / 1e9;
    double resident = ProcessTimes.resident();
    System.gc();
    if (!state.streams()) {
      awaitOthers();
    }
    Counters now = counters();
    traffic = relay.traffic().since(traffic);
    StateSize kept = state.state();
    return new Measurement.Amounts(
        (ended - began) / 1e9,
        Double.NaN,
        heap.bytesAfterCollection(),
        resident,
        jvmCpu,
        now.server - then.server,
        now.wal - then.wal,
        now.temporary - then.temporary,
        kept.bytes(),
        kept.withoutIndexes(),
        isRelayed ? traffic.sent() : Double.NaN,
        isRelayed ? traffic.received() : Double.NaN,
        isRelayed ? traffic.roundTrips() : Double.NaN);
  }

  private Counters counters() throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(COUNTERS);
        ResultSet row = statement.executeQuery()) {
      row.next();
      return new Counters(row.getDouble(1), row.getDouble(2), ProcessTimes.ofTree(postmaster));
    }
  }

  private void awaitOthers() throws SQLException {
    long until = System.nanoTime() + LEAVE.toNanos();
    while (number(OTHERS) > 0 && System.nanoTime() - until < 0) {
      LockSupport.parkNanos(PAUSE.toNanos());
    }
  }

  private double number(String sql) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql);
        ResultSet row = statement.executeQuery()) {
      row.next();
      return row.getDouble(1);
    }
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
