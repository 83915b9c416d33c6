package io.fulmar.testkit;

/** A container, where Testcontainers is on the class path and a Docker engine answers. */
final class DockerOrigin implements Origin {
  private static final String TESTCONTAINERS = "org.testcontainers.containers.GenericContainer";

  private final Settings settings;

  DockerOrigin(Settings settings) {
    this.settings = settings;
  }

  @Override
  public String word() {
    return "docker";
  }

  @Override
  public String reason() {
    return "Docker answers";
  }

  @Override
  public TestServer take() throws AbsentException {
    if (!isThere(TESTCONTAINERS)) {
      throw new AbsentException(
          "Docker is not asked, as org.testcontainers:testcontainers is not among the dependencies");
    }
    String image = settings.get(TestServer.IMAGE_SETTING);
    try {
      return PostgresContainer.start(
          image == null ? "postgres:" + settings.majorVersionOrDefault() : image);
    } catch (NoClassDefFoundError e) {
      throw new AbsentException(
          "Docker is not asked, as Testcontainers misses the class %s".formatted(e.getMessage()),
          e);
    }
  }

  private static boolean isThere(String type) {
    try {
      Class.forName(type, false, DockerOrigin.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException | NoClassDefFoundError e) {
      // The second: a class that it extends is missing, which the use of it will name.
      return e instanceof NoClassDefFoundError;
    }
  }
}
