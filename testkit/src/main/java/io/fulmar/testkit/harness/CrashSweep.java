package io.fulmar.testkit.harness;

import io.fulmar.Sync;
import io.fulmar.spi.Capabilities;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Lets processes die at every step of an engine whose effect outlives them, and looks whether the
 * next one makes good what they have left. Each life of a {@link CrashScenario} begins in a JVM of
 * its own, which halts at some pass of some step: no finally block and no shutdown hook is run.
 * Another JVM goes on; it may die too. The list of steps comes from a life without a death, so a
 * step that is new is not forgotten.
 *
 * <pre>{@code
 * CrashSweep.Result result = CrashSweep.of(CrmLife.class).sample(20).pairs(5).run();
 * }</pre>
 *
 * <p>A life consists of the edits of the scenario, each with runs until nothing is due (some of
 * them about a part, some as a plan that is applied), and of a full resync, a reset and, if the
 * destination can be cleared, a clear and fill. It fails, with the step, the pass and the seed, if
 *
 * <ul>
 *   <li>the destination differs from the source when nothing is due any more: something was lost,
 *       or counted as synced without having been accepted;
 *   <li>a run counts another number of changes as accepted than the destination has accepted;
 *   <li>a change comes again under another id, or an id stands for two changes;
 *   <li>more is accepted again than was in flight when a process died: what was under way, or
 *       answered within the last second;
 *   <li>the sequence of a key does not grow;
 *   <li>a process ends otherwise than it should, or not in time.
 * </ul>
 *
 * <p>The seed is printed, and {@code -Dfulmar.seed=...} replays it. This class is not threadsafe.
 */
public final class CrashSweep {
  private static final List<String> LIGHT =
      List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx256m");

  private final Class<? extends CrashScenario> type;
  private final List<Point> named = new ArrayList<>();
  private final List<String> jvm = new ArrayList<>(LIGHT);
  private long seed = Seeds.next();
  private int sample = 4;
  private int pairs = 1;
  private boolean all;
  private @Nullable Path homes;
  private Duration patience = Duration.ofMinutes(3);

  private CrashSweep(Class<? extends CrashScenario> type) {
    this.type = type;
  }

  /**
   * A sweep over the lives of a scenario: 4 points and one pair, until told otherwise.
   *
   * @param scenario a class with a public constructor without arguments, in an exported or opened
   *     package if it is in a module
   */
  public static CrashSweep of(Class<? extends CrashScenario> scenario) {
    return new CrashSweep(Objects.requireNonNull(scenario, "scenario"));
  }

  /**
   * How many steps are tried, each at some pass of it, 0 to 10,000; with more than there are, each
   * is tried several times. Default 4.
   *
   * @param points how many
   */
  public CrashSweep sample(int points) {
    sample = inRange("points", points);
    all = false;
    return this;
  }

  /** Tries every step, at its first pass and at a later one. */
  public CrashSweep all() {
    all = true;
    return this;
  }

  /**
   * How many pairs of deaths are tried, 0 to 10,000: a process dies, and the one that goes on dies
   * too. Default 1.
   *
   * @param count how many
   */
  public CrashSweep pairs(int count) {
    pairs = inRange("count", count);
    return this;
  }

  /**
   * Tries one point and, unless {@link #sample}, {@link #all} or {@link #pairs} are called later,
   * nothing else. Further calls add points.
   *
   * @param step its name, as a message of this class gives it
   * @param pass which pass of it, 1 or more
   */
  public CrashSweep at(String step, int pass) {
    Objects.requireNonNull(step, "step");
    if (pass < 1) {
      throw new IllegalArgumentException("pass must be at least 1, is " + pass);
    }
    named.add(new Point(step, pass));
    sample = 0;
    pairs = 0;
    return this;
  }

  /**
   * Where randomness begins. Default: the system property {@code fulmar.seed}; without it, another
   * one each time.
   *
   * @param value any number
   */
  public CrashSweep seed(long value) {
    seed = value;
    return this;
  }

  /**
   * Options for the JVMs that live and die, besides 256 MiB of heap and a quick start: {@code
   * "-Dcrm.url=..."}.
   *
   * @param options as on a command line
   */
  public CrashSweep jvm(String... options) {
    for (String option : Objects.requireNonNull(options, "options")) {
      jvm.add(Objects.requireNonNull(option, "options"));
    }
    return this;
  }

  /**
   * How long one process may take, 1 s to 1 h. Default 3 min.
   *
   * @param value how long
   */
  public CrashSweep patience(Duration value) {
    Objects.requireNonNull(value, "value");
    if (value.compareTo(Duration.ofSeconds(1)) < 0 || value.compareTo(Duration.ofHours(1)) > 0) {
      throw new IllegalArgumentException("patience must be PT1S to PT1H, is " + value);
    }
    patience = value;
    return this;
  }

  /**
   * Where the directories of lives are made, and stay if something is wrong. Default: a new
   * directory in that for temporary files.
   *
   * @param directory one that exists
   */
  public CrashSweep homes(Path directory) {
    homes = Objects.requireNonNull(directory, "directory");
    return this;
  }

  private static int inRange(String what, int value) {
    if (value < 0 || value > 10_000) {
      throw new IllegalArgumentException(what + " must be 0 to 10000, is " + value);
    }
    return value;
  }

  /**
   * What came of a sweep in which nothing was lost.
   *
   * @param seed replays it
   * @param passes how often a life without a death comes past each step
   * @param lives how many lives there were, that one included
   * @param deaths how many processes died in them
   * @param changes how many changes were sent, repeated ones included
   * @param repeats how many of them were accepted although they had been accepted before
   * @param mostRepeats the most of these in one life
   */
  public record Result(
      long seed,
      Map<String, Integer> passes,
      int lives,
      int deaths,
      long changes,
      int repeats,
      int mostRepeats) {
    /** Copies the map. */
    public Result {
      passes = Map.copyOf(passes);
    }

    /** All of it, in a line. */
    @Override
    public String toString() {
      return "seed %s: %s steps, %s lives with %s deaths, %s changes sent, %s accepted again, at most %s in a life"
          .formatted(seed, passes.size(), lives, deaths, changes, repeats, mostRepeats);
    }
  }

  /** A pass of a step. */
  private record Point(String step, int pass) {
    private static final Point NONE = new Point("-", 0);

    @Override
    public String toString() {
      return step + ", pass " + pass;
    }
  }

  /**
   * Sweeps.
   *
   * @return counts, which are printed too
   * @throws AssertionError at the first life that does not end as it must, with the step, the pass,
   *     the seed, what is wrong, and what the processes have written; its home directory is left
   * @throws IOException if the directories of lives cannot be made, or no JVM can be started
   * @throws InterruptedException if the thread is interrupted; the JVM that lives is ended
   */
  public Result run() throws IOException, InterruptedException {
    System.out.println("CrashSweep of " + type.getName() + ": -Dfulmar.seed=" + seed);
    Path given = homes;
    Path root =
        given == null
            ? Files.createTempDirectory("fulmar-crash-sweep-")
            : Files.createTempDirectory(given, "crash-sweep-").toAbsolutePath();
    Result result = new Sweep(root).run();
    System.out.println("CrashSweep of " + type.getName() + ": " + result);
    delete(root);
    return result;
  }

  static CrashScenario scenario(Class<?> type) {
    try {
      Constructor<?> constructor = type.getDeclaredConstructor();
      constructor.setAccessible(true);
      return (CrashScenario) constructor.newInstance();
    } catch (ReflectiveOperationException | RuntimeException e) {
      throw new IllegalArgumentException(
          "Cannot make a %s: %s. It needs a constructor without arguments, and in a module its package must be exported or opened."
              .formatted(type.getName(), e),
          e);
    }
  }

  private static void delete(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** One sweep. */
  private final class Sweep {
    private final Path root;
    private final Random random = new Random(seed);
    private final CrashScenario scenario = scenario(type);
    private Map<String, Integer> passes = Map.of();
    private int lives;
    private int deaths;
    private long changes;
    private int repeats;
    private int mostRepeats;

    Sweep(Path root) {
      this.root = root;
    }

    Result run() throws IOException, InterruptedException {
      passes = new TreeMap<>(live(List.of()).passes(0));
      if (passes.isEmpty()) {
        throw new AssertionError(
            "No step was passed. Give the engine what open(home, steps) gets: builder.steps(steps).");
      }
      for (Point point : points()) {
        live(List.of(point));
      }
      for (int pair = 0; pair < pairs; pair++) {
        Point first = somePass(step(random.nextInt(passes.size())));
        Story once = live(List.of(first));
        if (once.deaths() > 0) {
          List<Map.Entry<String, Integer>> onTheWay =
              new ArrayList<>(new TreeMap<>(once.passes(1)).entrySet());
          Map.Entry<String, Integer> second = onTheWay.get(random.nextInt(onTheWay.size()));
          live(List.of(first, new Point(second.getKey(), 1 + random.nextInt(second.getValue()))));
        }
      }
      return new Result(seed, passes, lives, deaths, changes, repeats, mostRepeats);
    }

    private String step(int index) {
      return List.copyOf(passes.keySet()).get(index);
    }

    private List<Point> points() {
      List<Point> points = new ArrayList<>(named);
      if (all) {
        for (String step : passes.keySet()) {
          points.add(new Point(step, 1));
          if (passes.getOrDefault(step, 0) > 1) {
            points.add(new Point(step, 2 + random.nextInt(passes.getOrDefault(step, 0) - 1)));
          }
        }
        return points;
      }
      List<String> steps = new ArrayList<>(passes.keySet());
      for (int i = 0; i < sample; i++) {
        if (i % steps.size() == 0) {
          Collections.shuffle(steps, random);
        }
        points.add(somePass(steps.get(i % steps.size())));
      }
      return points;
    }

    private Point somePass(String step) {
      return new Point(step, 1 + random.nextInt(passes.getOrDefault(step, 1)));
    }

    /** A life in which processes die at these points, one after the other, if they come there. */
    private Story live(List<Point> deadly) throws IOException, InterruptedException {
      String name = String.format(Locale.ROOT, "life_%s_%d", token(), ++lives);
      Path home = Files.createDirectory(root.resolve(name));
      Path journal = root.resolve(name + ".journal");
      String about = about(deadly, home);
      int batches = ask(about, () -> prepare(home));
      for (int process = 0; !Story.read(journal).hasEnded(); process++) {
        Point point = process < deadly.size() ? deadly.get(process) : Point.NONE;
        Path output = root.resolve(name + "." + process + ".out");
        ChildJvm.End end =
            ChildJvm.run(
                LifeProcess.class,
                jvm,
                patience,
                output,
                type.getName(),
                home.toString(),
                journal.toString(),
                point.step,
                Integer.toString(point.pass));
        boolean asTold = end.code() == 0 || end.code() == LifeProcess.DEAD && point.pass > 0;
        if (!asTold) {
          String how =
              end.code() < 0 ? "did not end within " + patience : "ended with code " + end.code();
          throw new AssertionError(
              "Process %s %s, %s:%n%s".formatted(process + 1, how, about, end.output()));
        }
        Files.delete(output);
      }
      Story story = Story.read(journal);
      List<String> problems = story.problems(batches);
      if (!problems.isEmpty()) {
        throw new AssertionError(
            "%s, %s".formatted(String.join(System.lineSeparator(), problems), about));
      }
      ask(
          about,
          () -> {
            scenario.remove(home);
            return 0;
          });
      delete(home);
      Files.delete(journal);
      deaths += story.deaths();
      changes += story.sent();
      repeats += story.repeats();
      mostRepeats = Math.max(mostRepeats, story.repeats());
      return story;
    }

    /** Makes the home; how many changes may be under way at once. */
    private int prepare(Path home) throws Exception {
      scenario.prepare(home);
      Sync sync = scenario.sync(home).build();
      Capabilities capabilities = sync.destination().capabilities();
      return Math.min(sync.batchRows(), capabilities.maxRows())
          * Math.min(sync.lanes(), capabilities.concurrency());
    }

    private String about(List<Point> deadly, Path home) {
      String where =
          deadly.isEmpty()
              ? "in a life without a death"
              : "after "
                  + String.join(" and after ", deadly.stream().map(Point::toString).toList());
      return "%s; -Dfulmar.seed=%s, home %s".formatted(where, seed, home);
    }

    /** The same names would meet in a database that several sweeps use. */
    private String token() {
      return Long.toString(Math.floorMod(System.nanoTime(), 1L << 40), 36);
    }
  }

  @FunctionalInterface
  private interface Asked {
    int ask() throws Exception;
  }

  private static int ask(String about, Asked asked) throws InterruptedException {
    try {
      return asked.ask();
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      throw new AssertionError("The scenario failed: %s, %s".formatted(e, about), e);
    }
  }
}
