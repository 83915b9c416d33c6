package io.fulmar.internal.standard;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Mapping;
import io.fulmar.Model;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.harness.OtherProcess;
import io.fulmar.internal.hash.RowSum;
import io.fulmar.internal.plan.Snapshot;
import io.fulmar.internal.plan.Snapshots;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whole runs in a JVM of 48 MB: everything added, nothing changed, every third row changed and
 * every tenth removed, also with a mapping and a remembered column. The rows are made as they are
 * read, so that nothing but the engine holds them.
 */
class MemoryBoundTest {
  @TempDir Path root;

  @Test
  @DisplayName("P5: 300,000 rows need no more than 48 MB")
  void someRowsFitIntoASmallHeap() throws Exception {
    assertFits(300_000);
  }

  @Test
  @Tag("soak")
  @DisplayName("P5: 300,000 rows that are mapped and remembered need no more than 48 MB")
  void someMappedAndRememberedRowsFitIntoASmallHeap() throws Exception {
    assertFits(300_000, "mapped");
  }

  @Test
  @Tag("soak")
  @DisplayName("P5: 3,000,000 rows need no more than 48 MB")
  void manyRowsFitIntoASmallHeap() throws Exception {
    assertFits(3_000_000);
  }

  private void assertFits(long rows, String... mapped) throws Exception {
    List<String> arguments = new ArrayList<>(List.of(root.toString(), Long.toString(rows)));
    arguments.addAll(List.of(mapped));
    try (OtherProcess small =
        OtherProcess.start(Runs.class, List.of("-Xmx48m"), arguments.toArray(String[]::new))) {
      long third = (rows + 2) / 3;
      long tenth = (rows + 9) / 10;
      long both = (rows + 29) / 30;
      assertThat(small.rest().lines().filter(line -> !line.contains("WARN")))
          .containsExactly(
              "accepted " + rows,
              "accepted 0",
              "accepted " + (third - both + tenth),
              "exit code 0");
    }
  }

  /** A model whose rows are computed. */
  private static final class Computed implements Snapshots {
    private final long rows;
    private boolean changed;
    private long position = 1;

    Computed(long rows) {
      this.rows = rows;
    }

    @Override
    public Snapshot open(Model model, String application, String about, Cancellation cancellation) {
      return new Snapshot() {
        @Override
        public ServerIdentity server() {
          return new ServerIdentity(Instant.EPOCH, "shop", 77, 1, position++);
        }

        @Override
        public ModelShape shape() {
          return MemoryModel.shape();
        }

        @Override
        public void rows(ModelShape shape, long maxRowBytes, RowSink sink) throws IOException {
          byte[] line = new byte[8 + 8 + 20];
          int[] fields = {4, 8, 16, 20};
          ByteBuffer buffer = ByteBuffer.wrap(line);
          for (long i = 0; i < rows; i++) {
            if (changed && i % 10 == 0) {
              continue;
            }
            String v = changed && i % 3 == 0 ? "another value" : "a value";
            buffer.clear().putInt(8).putLong(i * 31).putInt(20);
            buffer.put("%-20s".formatted(v).getBytes(StandardCharsets.US_ASCII), 0, 20);
            sink.row(line, 0, line.length, fields);
          }
        }

        @Override
        public RowSum sum(ModelShape of, String seed) {
          return MemorySums.of(sink -> rows(of, Long.MAX_VALUE, sink), seed);
        }

        @Override
        public String writes() {
          return "";
        }

        @Override
        public List<byte[]> only(List<List<String>> keys) {
          throw new UnsupportedOperationException("all rows are computed");
        }

        @Override
        public void firstRows(RowSink sink) throws IOException {
          rows(shape(), Long.MAX_VALUE, sink);
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public void close() {}
  }

  /** Three runs; says what each delivered. */
  static final class Runs {
    private Runs() {}

    public static void main(String[] arguments) {
      Computed source = new Computed(Long.parseLong(arguments[1]));
      Destination nowhere = Destination.of("crm:contacts", batch -> Delivery.allAccepted());
      try (Process process =
          new Process(
              Path.of(arguments[0]),
              source,
              Clock.systemUTC(),
              (stop, duration) -> {
                boolean stopped = stop.await(duration.toNanos(), TimeUnit.NANOSECONDS);
                assert stopped || stop.getCount() > 0;
              })) {
        for (int run = 0; run < 3; run++) {
          source.changed = run == 2;
          Sync.Builder sync = Process.sync(nowhere).batchRows(1_000);
          if (arguments.length > 2) {
            sync.mapping(
                    Mapping.builder()
                        .column("id", "ExternalId")
                        .compute("text", 1, List.of("v"), row -> row.value("v") + "!")
                        .build())
                .remember("v");
          }
          SyncReport report = process.run(sync.build());
          System.out.println("accepted " + report.throwIfFailed().total().accepted());
        }
      }
    }
  }
}
