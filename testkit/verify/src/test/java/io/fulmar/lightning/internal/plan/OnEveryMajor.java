package io.fulmar.lightning.internal.plan;

import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.SQLException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Tests that run on servers of several major versions: the oldest, the newest and one in between,
 * and in the long runs all.
 */
@ParameterizedClass(name = "PostgreSQL {0}")
@MethodSource("majors")
abstract class OnEveryMajor {
  @Parameter int major;
  PlanFixture fixture;

  static Stream<Integer> majors() {
    boolean all = "all".equals(System.getProperty("fulmar.majors"));
    return TestPostgres.majorVersions().stream().filter(major -> all || major % 2 == 0);
  }

  @BeforeEach
  void connect() throws SQLException {
    fixture = new PlanFixture(SharedServer.of(major));
  }

  @AfterEach
  void disconnect() throws SQLException {
    fixture.close();
  }
}
