package io.fulmar.verify.bench;

import io.fulmar.spi.Tunnel;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.HostKeys;
import io.fulmar.tunnel.SshTunnel;
import io.fulmar.tunnel.UserKey;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

/**
 * Reading a table by binary COPY: directly, through a tunnel of ours, and through {@code ssh -L},
 * by one connection and by four, on the loopback and with 20 ms added to each round trip, in turn
 * in one JVM, with the same cipher. Where the system tells (Linux), the table says too how long the
 * server's processes ran and how long they waited for a processor: everything shares one machine.
 */
final class TunnelVariants {
  /** Throughput that is wanted, as a share of that of {@code ssh -L}. */
  private static final double GOAL = 0.9;

  /** A fifth less than that is no noise any more, and fails the benchmark. */
  private static final double ALARM = 0.8 * GOAL;

  /** Fewer are read before a connection has found its speed. */
  private static final long LEAST_FOR_ALARM = 1_000_000;

  private static final int ADDED_MILLIS = 20;
  private static final String COPY = "copy orders to stdout (format binary)";

  private final String host;
  private final int port;
  private final String database;
  private final String user;
  private final String cipher;
  private final Rounds rounds = new Rounds();
  private final Rounds ran = new Rounds();
  private final Rounds waited = new Rounds();

  /** What was read, and how long the server's process for it ran and waited for a processor. */
  private record Read(long rows, double ran, double waited) {}

  private TunnelVariants(String[] args) {
    host = args[0];
    port = Integer.parseInt(args[1]);
    database = args[2];
    user = args[3];
    cipher = args[6];
  }

  /** Arguments: host, port, database, user, heap, rounds, cipher. */
  public static void main(String[] args) throws Exception {
    new TunnelVariants(args).measure(Integer.parseInt(args[5]), args[4]);
  }

  private void measure(int counted, String heap) throws Exception {
    try (OpenSsh openSsh = new OpenSsh(cipher);
        DelayedPort farDatabase = new DelayedPort(port, ADDED_MILLIS / 2);
        DelayedPort farSsh = new DelayedPort(openSsh.port(), ADDED_MILLIS / 2)) {
      Tunnel.Dialer near = tunnel(openSsh, openSsh.port()).dialer();
      Tunnel.Dialer far = tunnel(openSsh, farSsh.port()).dialer();
      int nearPort = openSsh.forward(openSsh.port(), port);
      int farPort = openSsh.forward(farSsh.port(), port);
      long rows = read(null, port).rows;
      for (int round = 0; round <= counted; round++) {
        if (round == 1) {
          rounds.warm();
          ran.warm();
          waited.warm();
        }
        for (int connections : new int[] {1, 4}) {
          String by = connections == 1 ? "1 connection" : connections + " connections";
          read("direct, " + by, null, port, connections, rows);
          read("ours, " + by, near.sockets(), port, connections, rows);
          read("ssh -L, " + by, null, nearPort, connections, rows);
          String added = by + ", + " + ADDED_MILLIS + " ms";
          read("direct, " + added, null, farDatabase.port(), connections, rows);
          read("ours, " + added, far.sockets(), port, connections, rows);
          read("ssh -L, " + added, null, farPort, connections, rows);
        }
      }
      report(heap, rows);
      slowReaders(near.sockets());
      near.close();
      far.close();
      if (rows >= LEAST_FOR_ALARM) {
        alarm();
      }
    }
  }

  private static ForwardTunnel tunnel(OpenSsh server, int port) {
    return SshTunnel.forward("127.0.0.1")
        .port(port)
        .user(server.userName())
        .key(UserKey.file(server.key()))
        .hostKeys(HostKeys.fingerprint(server.fingerprint()))
        .build();
  }

  /** Four readers that take one row and then nothing, while the server sends what it may. */
  private void slowReaders(SocketFactory sockets) throws Exception {
    long before = usedAfterCollection();
    List<Connection> connections = new ArrayList<>();
    List<CopyOut> reads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Connection connection = connect(sockets, port);
      connections.add(connection);
      CopyOut read = connection.unwrap(PGConnection.class).getCopyAPI().copyOut(COPY);
      read.readFromCopy();
      reads.add(read);
    }
    Thread.sleep(3_000);
    double grown = (usedAfterCollection() - before) / 1e6;
    System.out.printf(
        "%nHeap that 4 readers take that have stopped: %.1f MB (goal: the windows, 4 x 4.2 MB, and what four connections take themselves)%n",
        grown);
    for (int i = 0; i < 4; i++) {
      reads.get(i).cancelCopy();
      connections.get(i).close();
    }
  }

  private static long usedAfterCollection() {
    System.gc();
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  private void report(String heap, long rows) {
    System.out.printf(
        "| variant (%s, heap %s) | median s | min | max | rows/s | throughput to ssh -L | goal | server ran s | waited for a processor s |%n",
        cipher, heap);
    System.out.println("|---|---|---|---|---|---|---|---|---|");
    for (String name : rounds.names()) {
      double median = rounds.median(name);
      long all = name.contains("4 connections") ? 4 * rows : rows;
      System.out.printf(
          "| %s | %.2f | %.2f | %.2f | %,.0f | %.2f | %s | %.2f | %.2f |%n",
          name,
          median,
          rounds.least(name),
          rounds.most(name),
          all / median,
          toSsh(name),
          name.startsWith("ours") ? GOAL : "",
          ran.median(name),
          waited.median(name));
    }
  }

  private double toSsh(String name) {
    return rounds.median("ssh -L" + name.substring(name.indexOf(','))) / rounds.median(name);
  }

  private void alarm() {
    List<String> slow =
        rounds.names().stream()
            .filter(name -> name.startsWith("ours") && toSsh(name) < ALARM)
            .toList();
    if (!slow.isEmpty()) {
      throw new IllegalStateException(
          "less than %.2f times the throughput of ssh -L: %s".formatted(ALARM, slow));
    }
  }

  private void read(
      String name, @Nullable SocketFactory sockets, int at, int connections, long rows)
      throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(connections);
    List<Read> done = new ArrayList<>();
    try {
      rounds.timed(
          name,
          () -> {
            List<Future<Read>> reads = new ArrayList<>();
            for (int i = 0; i < connections; i++) {
              reads.add(threads.submit(() -> read(sockets, at)));
            }
            for (Future<Read> read : reads) {
              done.add(read.get());
            }
          });
    } finally {
      threads.shutdown();
    }
    for (Read read : done) {
      if (read.rows != rows) {
        throw new IllegalStateException("%s rows instead of %s".formatted(read.rows, rows));
      }
    }
    ran.add(name, done.stream().mapToDouble(Read::ran).sum());
    waited.add(name, done.stream().mapToDouble(Read::waited).sum());
  }

  private Read read(@Nullable SocketFactory sockets, int at) throws SQLException, IOException {
    try (Connection connection = connect(sockets, at)) {
      PGConnection driver = connection.unwrap(PGConnection.class);
      CopyOut out = driver.getCopyAPI().copyOut(COPY);
      long rows = -1; // the trailer is a message too
      while (out.readFromCopy() != null) {
        rows++;
      }
      Path times = Path.of("/proc/%s/schedstat".formatted(driver.getBackendPID()));
      if (!Files.exists(times)) {
        return new Read(rows, Double.NaN, Double.NaN);
      }
      String[] nanos = Files.readString(times).split(" ");
      return new Read(rows, Long.parseLong(nanos[0]) / 1e9, Long.parseLong(nanos[1]) / 1e9);
    }
  }

  private Connection connect(@Nullable SocketFactory sockets, int at) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", user);
    if (sockets != null) {
      properties.setProperty("socketFactory", Registered.class.getName());
      properties.setProperty("socketFactoryArg", Registered.token(sockets));
    }
    return DriverManager.getConnection(
        "jdbc:postgresql://%s:%s/%s".formatted(host, at, database), properties);
  }

  /** What pgjdbc makes by name; the sockets of a tunnel. */
  public static final class Registered extends SocketFactory {
    private static final Map<String, SocketFactory> ALL = new ConcurrentHashMap<>();
    private final SocketFactory sockets;

    /** Called by the driver. */
    public Registered(String token) {
      sockets = Objects.requireNonNull(ALL.get(token));
    }

    static String token(SocketFactory sockets) {
      String token = Integer.toString(System.identityHashCode(sockets));
      ALL.put(token, sockets);
      return token;
    }

    @Override
    public Socket createSocket() throws IOException {
      return sockets.createSocket();
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
      Socket socket = createSocket();
      socket.connect(InetSocketAddress.createUnresolved(host, port));
      return socket;
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress local, int localPort)
        throws IOException {
      return createSocket(host, port);
    }

    @Override
    public Socket createSocket(InetAddress host, int port) throws IOException {
      return createSocket(host.getHostAddress(), port);
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort)
        throws IOException {
      return createSocket(host, port);
    }
  }
}
