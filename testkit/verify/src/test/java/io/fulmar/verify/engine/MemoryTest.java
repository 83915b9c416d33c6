package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.verify.fault.CountingRuns;
import io.fulmar.verify.fault.ForkedJvm;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Models that are much larger than the heap of the JVM that syncs them. */
@DisplayName("P5, D-06: rows stream")
class MemoryTest extends SourceFixture {

  @Test
  @DisplayName("400,000 rows of 250 bytes go through a heap of 32 MB, new and unchanged")
  void rowsStreamThroughSmallHeap() throws Exception {
    syncs(400_000, "-Xmx32m");
  }

  @Test
  @Tag("soak")
  @DisplayName("2,000,000 rows of 250 bytes go through a heap of 64 MB, new and unchanged")
  void manyRowsStreamThroughSmallHeap() throws Exception {
    syncs(2_000_000, "-Xmx64m");
  }

  private void syncs(int rows, String heap) throws Exception {
    String sql =
        "select i::int8 as id, md5(i::text) || repeat('x', 200) as v from generate_series(1, %d) i"
            .formatted(rows);
    ForkedJvm.End end =
        ForkedJvm.run(
            state.resolve("output"),
            List.of(heap),
            CountingRuns.class,
            CountingRuns.arguments(
                database.host(),
                database.port(),
                database.name(),
                database.user(),
                state.resolve("forked"),
                sql));
    assertThat(end.exit()).as(end.output()).isZero();
    assertThat(end.output())
        .contains("run 1: rows %d, accepted %d, failed 0".formatted(rows, rows))
        .contains("run 2: rows %d, accepted 0, failed 0".formatted(rows));
  }
}
