package io.fulmar.verify.bench.micro;

import io.fulmar.internal.standard.DiffLoop;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Rows through the diff of the standard engine, out of their messages: to the partitions, which
 * spill to a file, or as far as the filter; and on to a plan. Files are in memory where the system
 * has a place for that: the subject is the processor.
 */
@OperationsPerInvocation(PartitionRows.ROWS)
public class PartitionRows extends OfOrders {
  /** More than blocks in memory take, so that most of them are written. */
  static final int ROWS = 65_536;

  private static final Path MEMORY = Path.of("/dev/shm");

  private final OrderRows rows = OrderRows.ofModel(ROWS);
  private Path root = MEMORY;

  /** Makes a state in which the destination has all rows. */
  @Setup
  public void prepare() throws Exception {
    root = temporary();
    DiffLoop.Accepted accepted = new DiffLoop.Accepted(rows.model());
    rows.send(accepted);
    accepted.write(root);
  }

  static Path temporary() throws IOException {
    return Files.isDirectory(MEMORY)
        ? Files.createTempDirectory(MEMORY, "fulmar-bench-")
        : Files.createTempDirectory("fulmar-bench-");
  }

  /** Removes the files. */
  @TearDown
  public void remove() throws IOException {
    remove(root);
  }

  static void remove(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      List<Path> all = files.sorted(Comparator.reverseOrder()).toList();
      for (Path file : all) {
        Files.delete(file);
      }
    }
  }

  /** Rows of a first run to their partitions. */
  @Benchmark
  public void toPartitions() throws Exception {
    try (DiffLoop run = DiffLoop.first(root, rows.model())) {
      rows.send(run.rows());
      run.delete();
    }
  }

  /** The same, and on to a plan of as many additions. */
  @Benchmark
  public long toPlan() throws Exception {
    try (DiffLoop run = DiffLoop.first(root, rows.model())) {
      rows.send(run.rows());
      long changes = run.join();
      run.delete();
      return changes;
    }
  }

  /** Rows that are as the destination has them, from building the filter to the empty plan. */
  @Benchmark
  public long toNoPlan() throws Exception {
    try (DiffLoop run = DiffLoop.later(root, rows.model())) {
      rows.send(run.rows());
      long changes = run.join();
      run.delete();
      return changes;
    }
  }
}
