package io.fulmar.internal.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Why a pool of the engine's gave no connection")
class NoConnectionExceptionTest {
  private static NoConnectionException of(int inUse) {
    return NoConnectionException.ofEngine(
        inUse, 4, Duration.ofMillis(7_040), new SQLTransientConnectionException("the pool's"));
  }

  @Test
  void allAreInUse() {
    assertThat(of(4).getMessage()).isEqualTo("all 4 connections of the engine are in use");
    assertThat(of(4).whereReads())
        .isEqualTo("Each run that reads needs one: raise Source.Builder.poolSize.");
  }

  @Test
  void someAreFreeAndNoneCameAbout() {
    assertThat(of(1).getMessage())
        .isEqualTo("no connection came about within 7.0 s (1 of the engine's 4 are in use)");
    assertThat(of(1).whereReads())
        .isEqualTo(
            "Nothing said why: look at the load of both machines and at the network between them.")
        .isEqualTo(of(1).whereWrites());
  }
}
