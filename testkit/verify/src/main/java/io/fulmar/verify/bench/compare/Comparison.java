package io.fulmar.verify.bench.compare;

import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.bench.ChildJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;

/**
 * Lets contenders do the same job on the same rows, one process after the other, each in a database
 * of its own that is a copy of the same files, and writes what they took into {@code results.csv}.
 */
public final class Comparison {
  private static final String COPY = "create database %s template %s strategy file_copy";
  private static final String CHARTS = "io.fulmar.verify.bench.compare.Charts";
  private static final String CHARTS_HEAP = "512m";

  private final TestPostgres postgres;
  private final Plan plan;
  private final Path csv;
  private final List<String> failures = new ArrayList<>();

  /**
   * What is compared.
   *
   * @param rows numbers of rows of the narrow shape, ascending; all shares of changes at the last
   * @param shapeRows orders of the other shapes
   * @param rounds counted rounds
   * @param entrants who takes part
   * @param shapes which shapes
   * @param out the directory of the results
   * @param isResumed whether what is in {@code results.csv} stays and is not measured again
   */
  public record Plan(
      List<Long> rows,
      long shapeRows,
      int rounds,
      Collection<Entrant> entrants,
      Collection<Shape> shapes,
      Path out,
      boolean isResumed) {}

  private record Job(Entrant entrant, Shape shape, long rows, boolean isSweep) {}

  /**
   * A comparison that has not begun.
   *
   * @param postgres the server
   * @param plan what is compared
   */
  public Comparison(TestPostgres postgres, Plan plan) {
    this.postgres = postgres;
    this.plan = plan;
    csv = plan.out.resolve("results.csv");
  }

  /**
   * Runs all of it and prints the tables.
   *
   * @param out takes the lines
   * @return what went wrong; empty if nothing
   */
  public List<String> run(Consumer<String> out)
      throws IOException, InterruptedException, SQLException {
    List<Measurement> before = plan.isResumed && Files.exists(csv) ? measurements() : List.of();
    List<Job> jobs = jobs().stream().filter(job -> !isDone(job, before)).toList();
    begin(before.stream().filter(each -> jobs.stream().noneMatch(job -> isOf(job, each))).toList());
    int done = 0;
    for (Shape shape : Shape.values()) {
      for (long rows : sizes(shape)) {
        List<Job> here =
            jobs.stream().filter(job -> job.shape == shape && job.rows == rows).toList();
        if (!here.isEmpty()) {
          System.err.printf("making %,d rows, %s%n", rows, shape.label());
          TestDatabase pristine = postgres.createDatabase();
          shape.load(pristine, rows);
          for (Job job : here) {
            done++;
            System.err.printf(
                "[%d/%d] %s, %s, %,d rows%n",
                done, jobs.size(), job.entrant.label(), shape.label(), rows);
            run(job, pristine);
          }
          pristine.drop();
        }
      }
    }
    List<Measurement> all = measurements();
    all.stream()
        .filter(each -> !each.mismatch().isEmpty())
        .forEach(
            each ->
                failures.add(
                    "%s, %s, %,d rows, %s, round %d: %s"
                        .formatted(
                            each.contender(),
                            each.shape(),
                            each.rows(),
                            each.scenario(),
                            each.round(),
                            each.mismatch())));
    new Report(all).lines().forEach(out);
    charts(out);
    return List.copyOf(failures);
  }

  private List<Measurement> measurements() throws IOException {
    return Files.readAllLines(csv).stream().skip(1).map(Measurement::parse).toList();
  }

  private void begin(List<Measurement> kept) throws IOException {
    List<String> lines = new ArrayList<>(List.of(Measurement.HEADER));
    kept.forEach(each -> lines.add(each.toLine()));
    Files.write(csv, lines);
  }

  private boolean isDone(Job job, List<Measurement> measurements) {
    return measurements.stream().anyMatch(each -> isOf(job, each) && each.round() == plan.rounds);
  }

  /** A model of aggregates has fewer rows than were asked for, and there is but one of its size. */
  private static boolean isOf(Job job, Measurement measurement) {
    return measurement.contender().equals(job.entrant.label())
        && measurement.shape().equals(job.shape.label())
        && (measurement.rows() == job.rows || !job.shape.isTable());
  }

  private List<Job> jobs() {
    List<Job> jobs = new ArrayList<>();
    for (Shape shape : Shape.values()) {
      for (long rows : sizes(shape)) {
        boolean isLargest = rows == plan.rows.get(plan.rows.size() - 1);
        for (Entrant entrant : Entrant.values()) {
          if (plan.shapes.contains(shape)
              && plan.entrants.contains(entrant)
              && entrant.takesPartIn(shape)) {
            jobs.add(
                new Job(
                    entrant, shape, rows, shape == Shape.NARROW && isLargest && entrant.sweeps()));
          }
        }
      }
    }
    return jobs;
  }

  private List<Long> sizes(Shape shape) {
    return shape == Shape.NARROW ? plan.rows : List.of(plan.shapeRows);
  }

  private void run(Job job, TestDatabase pristine)
      throws IOException, InterruptedException, SQLException {
    String name = "%s_copy".formatted(pristine.name());
    TestDatabase maintenance =
        new TestDatabase(pristine.host(), pristine.port(), "postgres", pristine.user());
    maintenance.execute(COPY.formatted(name, pristine.name()));
    TestDatabase database =
        new TestDatabase(pristine.host(), pristine.port(), name, pristine.user());
    String heap = job.entrant.heap(job.rows);
    try {
      ChildJvm.run(
          System.err::println,
          Trial.class.getName(),
          heap,
          List.of(
              job.entrant.name(),
              job.shape.name(),
              database.host(),
              Integer.toString(database.port()),
              database.name(),
              database.user(),
              Integer.toString(plan.rounds),
              job.isSweep ? "sweep" : "short",
              heap,
              csv.toAbsolutePath().toString()));
    } catch (IllegalStateException e) {
      failures.add(
          "%s, %s, %,d rows: %s"
              .formatted(job.entrant.label(), job.shape.label(), job.rows, e.getMessage()));
    } finally {
      drop(database, maintenance);
    }
  }

  /** A slot that a process has left behind would keep its database. */
  private static void drop(TestDatabase database, TestDatabase maintenance) throws SQLException {
    maintenance.execute(
        """
        select pg_terminate_backend(active_pid, 5000) from pg_replication_slots
        where database = '%s' and active
        """
            .formatted(database.name()),
        """
        select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = '%s'
        """
            .formatted(database.name()));
    database.drop();
  }

  private void charts(Consumer<String> out) throws IOException, InterruptedException {
    try {
      ChildJvm.run(
          out,
          CHARTS,
          CHARTS_HEAP,
          List.of(csv.toAbsolutePath().toString(), plan.out.toAbsolutePath().toString()));
    } catch (IllegalStateException e) {
      failures.add("the charts: %s".formatted(e.getMessage()));
    }
  }
}
