package io.fulmar.verify.bench.micro;

import java.util.Collection;
import java.util.Locale;
import java.util.stream.Collectors;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs the benchmarks of hot loops and prints one Markdown table: time with its error (of a
 * confidence of 99.9 %), that of the fastest iteration, which is what two runs on a machine with
 * other work can be compared by, and bytes allocated, for each row or value.
 *
 * <p>Arguments are those of JMH, such as {@code -wi 5 -i 10 DecodeRows}; without any, all are run
 * with the settings of {@link OfOrders}.
 */
public final class MicroBenchmarks {
  private static final String ALLOCATED = "gc.alloc.rate.norm";

  private MicroBenchmarks() {}

  /**
   * Runs the benchmarks.
   *
   * @param args of JMH
   */
  public static void main(String[] args) throws Exception {
    Collection<RunResult> results =
        new Runner(
                new OptionsBuilder()
                    .parent(new CommandLineOptions(args))
                    .addProfiler(GCProfiler.class)
                    .shouldFailOnError(true)
                    .verbosity(VerboseMode.SILENT)
                    .build())
            .run();
    System.out.printf(
        "%n## Hot loops, TPC-H orders, Java %d, %d processors%n%n",
        Runtime.version().feature(), Runtime.getRuntime().availableProcessors());
    System.out.println("| loop | ns | ± | least | bytes allocated |\n|---|---|---|---|---|");
    for (RunResult result : results) {
      Result<?> time = result.getPrimaryResult();
      Result<?> allocated = result.getSecondaryResults().get(ALLOCATED);
      System.out.printf(
          Locale.ROOT,
          "| %s | %.1f | %.1f | %.1f | %.0f |%n",
          name(result.getParams()),
          time.getScore(),
          time.getScoreError(),
          time.getStatistics().getMin(),
          allocated.getScore());
    }
  }

  /** Class, method and parameters. */
  private static String name(BenchmarkParams params) {
    String name = params.getBenchmark();
    String values =
        params.getParamsKeys().stream().map(params::getParam).collect(Collectors.joining(", "));
    return name.substring(name.lastIndexOf('.', name.lastIndexOf('.') - 1) + 1)
        + (values.isEmpty() ? "" : " " + values);
  }
}
