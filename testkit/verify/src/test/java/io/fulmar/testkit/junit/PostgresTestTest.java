package io.fulmar.testkit.junit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import io.fulmar.testkit.TestDatabase;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/**
 * The annotation, by classes that JUnit is told to run here. Each notes which databases it was
 * given, so that it shows who shares one and that all are gone afterwards.
 */
class PostgresTestTest {
  /** What the classes that ran were given, by a name of theirs. */
  private static final Map<String, List<TestDatabase>> GIVEN = new ConcurrentHashMap<>();

  private static final CyclicBarrier BOTH_RUN = new CyclicBarrier(2);

  @BeforeEach
  void forget() {
    GIVEN.clear();
  }

  private static void note(String who, TestDatabase database) {
    GIVEN.computeIfAbsent(who, name -> new CopyOnWriteArrayList<>()).add(database);
  }

  private static void run(int tests, Map<String, String> parameters, Class<?>... classes) {
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(Stream.of(classes).map(type -> selectClass(type)).toList())
            .configurationParameters(parameters)
            .build();
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    Launcher launcher = LauncherFactory.create();
    launcher.execute(request, listener);
    TestExecutionSummary summary = listener.getSummary();
    StringWriter failures = new StringWriter();
    summary.printFailuresTo(new PrintWriter(failures));
    assertThat(summary.getTotalFailureCount()).as(failures.toString()).isZero();
    assertThat(summary.getTestsSucceededCount()).isEqualTo(tests);
  }

  private static void run(int tests, Class<?>... classes) {
    run(tests, Map.of(), classes);
  }

  private static Set<TestDatabase> distinct(String who) {
    return Set.copyOf(GIVEN.getOrDefault(who, List.of()));
  }

  private static void assertGone(TestDatabase database) {
    assertThatThrownBy(database::connect)
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("does not exist");
  }

  @PostgresTest
  static class Everywhere {
    private final TestDatabase ofConstructor;

    Everywhere(TestDatabase database) {
      ofConstructor = database;
    }

    @BeforeAll
    static void first(TestDatabase database) throws SQLException {
      note("everywhere", database);
      database.execute("create table t (id int8)");
    }

    @BeforeEach
    void before(TestDatabase database) {
      note("everywhere", database);
    }

    @Test
    void one(TestDatabase database) throws SQLException {
      note("everywhere", ofConstructor);
      database.execute("insert into t values (1)");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void several(int value, TestDatabase database) throws SQLException {
      note("everywhere", database);
      database.execute("insert into t values (%s)".formatted(value));
    }

    @AfterEach
    void after(TestDatabase database) {
      note("everywhere", database);
    }

    @AfterAll
    static void last(TestDatabase database) throws SQLException {
      note("everywhere", database);
      try (Connection connection = database.connect()) {
        assertThat(connection.isValid(10)).isTrue();
      }
    }
  }

  @Test
  void classHasOneDatabaseWhereverItAsksAndItIsGoneAfterwards() {
    run(3, Everywhere.class);

    assertThat(GIVEN.get("everywhere")).hasSize(11);
    assertThat(distinct("everywhere")).hasSize(1).allSatisfy(PostgresTestTest::assertGone);
  }

  @PostgresTest
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  static class OneInstance {
    OneInstance(TestDatabase database) {
      note("one instance", database);
    }

    @BeforeAll
    void first(TestDatabase database) {
      note("one instance", database);
    }

    @Test
    void one(TestDatabase database) {
      note("one instance", database);
    }
  }

  @Test
  void instanceOfAClassHasItBeforeAnythingElse() {
    run(1, OneInstance.class);

    assertThat(GIVEN.get("one instance")).hasSize(3);
    assertThat(distinct("one instance")).hasSize(1).allSatisfy(PostgresTestTest::assertGone);
  }

  @PostgresTest
  abstract static class Base {
    @Test
    void inherited(TestDatabase database) {
      note(getClass().getSimpleName(), database);
    }
  }

  static class Left extends Base {}

  static class Right extends Base {}

  @Test
  void subclassesHaveADatabaseEach() {
    run(2, Left.class, Right.class);

    assertThat(distinct("Left")).hasSize(1).doesNotContainAnyElementsOf(distinct("Right"));
    assertThat(distinct("Left")).allSatisfy(PostgresTestTest::assertGone);
    assertThat(distinct("Right")).hasSize(1).allSatisfy(PostgresTestTest::assertGone);
  }

  @PostgresTest
  static class Outer {
    Outer(TestDatabase database) {
      note("outer", database);
    }

    @Test
    void outside(TestDatabase database) {
      note("outer", database);
    }

    @Nested
    class Sharing {
      @Test
      void inside(TestDatabase database) throws SQLException {
        note("outer", database);
        // It is still there, also if another nested class is done.
        database.execute("select 1");
      }
    }

    @Nested
    class SharingToo {
      @Test
      void inside(TestDatabase database) throws SQLException {
        note("outer", database);
        database.execute("select 1");
      }
    }

    @Nested
    @PostgresTest
    class Apart {
      @Test
      void inside(TestDatabase database) {
        note("apart", database);
      }

      @Nested
      class Deeper {
        @Test
        void inside(TestDatabase database) {
          note("apart", database);
        }
      }
    }
  }

  @Test
  void nestedClassHasTheDatabaseAroundItUnlessItIsAnnotatedItself() {
    run(5, Outer.class);

    assertThat(GIVEN.get("outer")).hasSize(8);
    assertThat(distinct("outer")).hasSize(1).allSatisfy(PostgresTestTest::assertGone);
    assertThat(GIVEN.get("apart")).hasSize(2);
    assertThat(distinct("apart")).hasSize(1).doesNotContainAnyElementsOf(distinct("outer"));
    assertThat(distinct("apart")).allSatisfy(PostgresTestTest::assertGone);
  }

  static class Around {
    @Nested
    @PostgresTest
    class Inner {
      @Test
      void inside(TestDatabase database) {
        note("inner", database);
      }
    }
  }

  @Test
  void nestedClassAloneMayBeAnnotated() {
    run(1, Around.class);

    assertThat(distinct("inner")).hasSize(1).allSatisfy(PostgresTestTest::assertGone);
  }

  @PostgresTest
  static class Silent {
    @Test
    void asksForNone() {}
  }

  @Test
  void classThatAsksForNoneIsNotDisturbed() {
    run(1, Silent.class);
  }

  @PostgresTest
  static class Impatient {
    @Test
    void drops(TestDatabase database) throws SQLException {
      database.drop();
    }
  }

  @Test
  void testMayDropTheDatabaseItself() {
    run(1, Impatient.class);
  }

  @PostgresTest
  abstract static class AtTheSameTime {
    @Test
    void one(TestDatabase database) throws Exception {
      note(getClass().getSimpleName(), database);
      BOTH_RUN.await(60, TimeUnit.SECONDS);
      database.execute("create table t (id int8)");
    }
  }

  static class Here extends AtTheSameTime {}

  static class There extends AtTheSameTime {}

  @Test
  void classesThatRunAtTheSameTimeHaveADatabaseEach() {
    run(
        2,
        Map.of(
            "junit.jupiter.execution.parallel.enabled", "true",
            "junit.jupiter.execution.parallel.mode.classes.default", "concurrent",
            "junit.jupiter.execution.parallel.config.strategy", "fixed",
            "junit.jupiter.execution.parallel.config.fixed.parallelism", "2"),
        Here.class,
        There.class);

    assertThat(distinct("Here")).hasSize(1).doesNotContainAnyElementsOf(distinct("There"));
    assertThat(distinct("There")).hasSize(1).allSatisfy(PostgresTestTest::assertGone);
  }
}
