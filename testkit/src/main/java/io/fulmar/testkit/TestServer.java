package io.fulmar.testkit;

/**
 * A PostgreSQL server on which tests make databases. {@link #shared()} gives the one of this JVM,
 * wherever it comes from; {@link TestPostgres} is one that a test starts, sets and kills as it
 * likes.
 *
 * <p>The server of a JVM is taken from the first of these that is there:
 *
 * <ol>
 *   <li><b>A server that is named</b>, by {@value #URL_SETTING}: {@code
 *       jdbc:postgresql://db.internal:5432/}, with the log-in in {@value #USER_SETTING} and {@value
 *       #PASSWORD_SETTING} or in the URL, which has no other parameters. The role must be allowed
 *       to create databases, and does so from the database {@code postgres}, whichever the URL
 *       names. A server that is named and does not answer is an error.
 *   <li><b>Docker</b>, where {@code org.testcontainers:testcontainers} (1.21 or 2.0) is among the
 *       tests' dependencies and an engine answers: a container of {@code postgres:17}, or of
 *       another major version if {@value TestPostgres#VERSION_PROPERTY} names one, or of the image
 *       in {@value #IMAGE_SETTING}. Its superuser has a random password.
 *   <li><b>An embedded server</b>: {@link TestPostgres}, with binaries from Maven.
 * </ol>
 *
 * <p>One line of the logger {@code io.fulmar.testkit} (of {@link System.Logger}, at level INFO)
 * tells which was taken, and why none before it. {@value #FROM_SETTING}, one of {@code url}, {@code
 * docker} and {@code embedded}, allows that one alone, and then it is an error if it is not there,
 * or if a server is named and not the one that is allowed. If {@value
 * TestPostgres#VERSION_PROPERTY} is set and the server is of another major version, that is an
 * error too.
 *
 * <p>Each setting is a system property or, where there is none, an environment variable: {@code
 * FULMAR_PG_URL} for {@value #URL_SETTING}.
 *
 * <p>Implementations are thread-safe.
 */
public sealed interface TestServer permits TestPostgres, RemoteServer {
  /** The setting that names a server: {@value}. <b>Default</b> none. */
  String URL_SETTING = "fulmar.pg.url";

  /** The setting with the role to log in as: {@value}. <b>Default</b> what the URL says. */
  String USER_SETTING = "fulmar.pg.user";

  /** The setting with the role's password: {@value}. <b>Default</b> what the URL says. */
  String PASSWORD_SETTING = "fulmar.pg.password";

  /** The setting that allows one kind of server alone: {@value}. <b>Default</b> all three. */
  String FROM_SETTING = "fulmar.pg.from";

  /**
   * The setting with the image of a container: {@value}. It must behave as the official image does.
   * <b>Default</b> {@code postgres:} and the major version.
   */
  String IMAGE_SETTING = "fulmar.pg.image";

  /**
   * The server that all tests of this JVM have in common, chosen by the first who asks. Nobody
   * closes it: it ends with the JVM. Databases that are still there then are dropped, unless the
   * JVM is killed: on a server that is named they stay in that case, and their names, {@code
   * fulmar_test_} with 16 random digits, tell what they are.
   *
   * @return always the same server
   * @throws IllegalStateException if there is none, or a setting is wrong; the message tells what
   *     was tried and what to add
   */
  static TestServer shared() {
    return ChosenServer.get();
  }

  /**
   * Creates an empty database under a name that no other database of this server has.
   *
   * @return the database, which lives until it is dropped or the server ends
   * @throws IllegalStateException if the server has ended or refuses
   */
  TestDatabase createDatabase();

  /**
   * The major version of the server.
   *
   * @return 17 for PostgreSQL 17.11, say
   */
  int majorVersion();
}
