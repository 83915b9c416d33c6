package io.fulmar.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The tests run with the versions that the build names, the floors above all. */
@Tag("floors")
class DependencyVersionsTest {
  @Test
  void librariesAreOfTheVersionsNamed() throws Exception {
    assertThat(jar("com.zaxxer.hikari.HikariDataSource")).isEqualTo(expected("HikariCP", "hikari"));
    assertThat(jar("org.postgresql.Driver")).isEqualTo(expected("postgresql", "postgresql"));
    assertThat(jar("org.slf4j.LoggerFactory")).isEqualTo(expected("slf4j-api", "slf4j"));
  }

  private static String jar(String type) throws Exception {
    return Path.of(Class.forName(type).getProtectionDomain().getCodeSource().getLocation().toURI())
        .getFileName()
        .toString();
  }

  private static String expected(String artifact, String property) {
    return artifact + "-" + System.getProperty("fulmar.verify.expected." + property) + ".jar";
  }
}
