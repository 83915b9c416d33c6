package io.fulmar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.Shape;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.CheckSteps;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.AnnotatedArrayType;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.Period;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadFactory;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.SocketFactory;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Everything public that takes an argument, found by scanning the exported packages, is called with
 * null, with numbers and durations at and beyond every bound, and with texts that nobody expects.
 * What is new is picked up by itself; what cannot be called for want of an argument fails the test.
 *
 * <p>Constructors of records and exceptions that Fulmar alone makes are called too, without being
 * held to refuse null. There is no server at port 1, so that no call of an engine gets far.
 */
@Timeout(300)
@DisplayName("S-07: whatever a public method is given, it works or says what is wrong with what")
class PublicSurfaceTest {
  private static final List<Package> EXPORTED =
      List.of(Sync.class.getPackage(), Destination.class.getPackage());

  /** What applications and destinations implement, so that there is nothing of ours to call. */
  private static final List<Class<?>> IMPLEMENTED =
      List.of(
          Row.class,
          RunListener.class,
          Guard.class,
          HttpDestination.AnswerReader.class,
          Mapping.Computation.class,
          CheckSteps.class,
          CheckSteps.Findings.class,
          CheckSteps.Look.class,
          Writer.class,
          Destination.class);

  /** Settings that what is built does not show. */
  private static final List<String> NOT_SHOWN =
      List.of(
          "HttpDestination.request",
          "HttpDestination.clear",
          "HttpDestination.header",
          "HttpDestination.bearerToken",
          "HttpDestination.arrayMember",
          "HttpDestination.changeIdMember",
          "HttpDestination.sequenceMember",
          "HttpDestination.numbers",
          "HttpDestination.jsonColumns",
          "HttpDestination.idempotencyHeader",
          "HttpDestination.outcome",
          "HttpDestination.verdicts",
          "HttpDestination.requestTimeout",
          "HttpDestination.connectTimeout",
          "HttpDestination.maxRequestBytes",
          "HttpDestination.maxAnswerBytes",
          "HttpDestination.client",
          "JsonVerdicts.accepted",
          "JsonVerdicts.skipped",
          "JsonVerdicts.code",
          "JsonVerdicts.message",
          "JsonVerdicts.changeId",
          "JsonVerdicts.retryCodes",
          "JsonLinesDestination.fields",
          "JsonLinesDestination.numbers",
          "JsonLinesDestination.jsonColumns",
          "JsonLinesDestination.permissions",
          "JsonLinesDestination.rotateBytes",
          "PostgresDestination.sequenceColumn",
          "PostgresDestination.tombstoneTable",
          "PostgresDestination.keepTombstones",
          "PostgresDestination.createTableIfMissing",
          "PostgresDestination.clearColumns",
          "StandardEngine.diffMemoryBytes",
          "StandardEngine.threads",
          "StandardEngine.context",
          "StandardEngine.grace",
          "StandardEngine.checkTimeout",
          "StandardEngine.clock");

  private static final Pattern BOUNDS =
      Pattern.compile("(?s)([a-zA-Z]+) must be (?:(\\S+) to (\\S+)|at least (\\S+)), is (\\S+)");
  private static final Pattern NAME = Pattern.compile("[a-z][a-zA-Z]*");

  private static final List<Long> NUMBERS =
      List.of(Long.MIN_VALUE, -1L, 0L, 1L, 7L, 422L, 1_000_003L, Long.MAX_VALUE);
  private static final List<Double> FRACTIONS =
      List.of(
          Double.NaN,
          Double.NEGATIVE_INFINITY,
          -1.0,
          -Double.MIN_VALUE,
          0.0,
          0.25,
          1.0,
          Math.nextUp(1.0),
          Double.MAX_VALUE,
          Double.POSITIVE_INFINITY);
  private static final List<Duration> DURATIONS =
      List.of(
          Duration.ofSeconds(Long.MIN_VALUE),
          Duration.ofNanos(-1),
          Duration.ZERO,
          Duration.ofNanos(1),
          Duration.ofMillis(150),
          Duration.ofSeconds(77),
          Duration.ofHours(2),
          Duration.ofDays(3),
          Duration.ofSeconds(Long.MAX_VALUE, 999_999_999));
  private static final List<String> TEXTS =
      List.of(
          "",
          " ",
          "id",
          "no such thing",
          "\0",
          "a\0b",
          "a\r\nb",
          "\u001b[31m",
          "\ud800",
          "\u202eevil",
          "g\u00fcnther \ud83d\ude00 \u4e2d\u6587",
          "'; drop table t; --",
          "\"quoted\"",
          "%s %n {}",
          "../../etc/passwd",
          "x".repeat(64),
          "x".repeat(100_000));

  /** Without a password, no time goes into dialling a server that is not there. */
  private static final Source NOWHERE =
      source().withoutTls().password(Secret.ofEnv("FULMAR_TEST_IS_NOT_SET")).build();

  private static final Destination DESTINATION =
      Destination.of("test:nowhere", batch -> Delivery.allAccepted());
  private static final Row ROW =
      ImageRow.of(Shape.of(List.of(), List.of(), List.of()), new byte[0]);

  @TempDir static Path root;

  private static Source.Builder source() {
    return Source.builder()
        .host("127.0.0.1")
        .port(1)
        .database("shop")
        .user("fulmar")
        .connectTimeout(Duration.ofMillis(100));
  }

  private static Sync.Builder sync() {
    return Sync.builder("crm").model(model()).to(DESTINATION);
  }

  private static Model model() {
    return Model.query("rows", "select 1 as k").key("k");
  }

  private static SyncEngine engine() {
    return StandardEngine.on(NOWHERE, root);
  }

  /** What every builder has before the setter that is tested is called. */
  private static final Map<Class<?>, Supplier<Object>> BUILDERS = builders();

  private static Map<Class<?>, Supplier<Object>> builders() {
    Map<Class<?>, Supplier<Object>> builders = new HashMap<>();
    builders.put(Source.Builder.class, () -> source().tlsClientKey(Path.of("client.key")));
    builders.put(Model.Query.class, () -> Model.query("rows", "select 1 as id"));
    builders.put(Sync.Builder.class, () -> sync());
    builders.put(RunOptions.Builder.class, () -> RunOptions.builder());
    builders.put(Mapping.Builder.class, () -> Mapping.builder().column("base"));
    builders.put(StandardEngine.Builder.class, () -> StandardEngine.builder(NOWHERE, root));
    builders.put(
        PostgresDestination.Builder.class,
        () ->
            PostgresDestination.builder(NOWHERE)
                .table("public", "customers")
                .sequenceColumn("sequence"));
    builders.put(
        JsonLinesDestination.Builder.class,
        () -> JsonLinesDestination.builder(root.resolve("rows.jsonl")));
    builders.put(HttpDestination.Builder.class, () -> http());
    builders.put(
        JsonVerdicts.Builder.class, () -> JsonVerdicts.builder("items").accepted("ok", "true"));
    builders.put(Capabilities.Builder.class, () -> Capabilities.builder().actions(Action.UPSERT));
    builders.put(Delivery.Builder.class, () -> Delivery.builder());
    return builders;
  }

  private static HttpDestination.Builder http() {
    return HttpDestination.builder(URI.create("https://127.0.0.1:1/"))
        .batchesOf(10)
        .request(Action.UPSERT, "POST", "rows");
  }

  /** A public method or constructor that takes arguments. */
  private record Callable(Executable executable) {
    Class<?> owner() {
      return executable.getDeclaringClass();
    }

    int arguments() {
      return executable.getParameterCount();
    }

    boolean isSetter() {
      return BUILDERS.containsKey(owner()) && executable instanceof Method;
    }

    boolean isHeldToRefuseNull() {
      boolean ofSpi = owner().getPackage().equals(Destination.class.getPackage());
      return executable instanceof Method || ofSpi || owner() == Change.class;
    }

    boolean declares(Throwable e) {
      return Stream.of(executable.getExceptionTypes()).anyMatch(type -> type.isInstance(e));
    }

    /** Whether null is welcome, or a type that has none is asked for. */
    boolean isNullable(int argument) {
      AnnotatedType type = executable.getAnnotatedParameterTypes()[argument];
      return executable.getParameterTypes()[argument].isPrimitive()
          || type.isAnnotationPresent(Nullable.class);
    }

    Object call(@Nullable Object... arguments) throws Throwable {
      try {
        if (executable instanceof Constructor<?> constructor) {
          return constructor.newInstance(arguments);
        }
        Method method = (Method) executable;
        if (Modifier.isStatic(method.getModifiers())) {
          return method.invoke(null, arguments);
        }
        Object target = target();
        try {
          return method.invoke(target, arguments);
        } finally {
          if (target instanceof SyncEngine engine) {
            engine.close();
          }
        }
      } catch (InvocationTargetException e) {
        throw e.getCause();
      }
    }

    /** Called on the builder; what comes out is what is built then. */
    Object build(@Nullable Object... arguments) throws Throwable {
      Object builder = call(arguments);
      try {
        return builder.getClass().getMethod("build").invoke(builder);
      } catch (NoSuchMethodException e) {
        return builder;
      } catch (InvocationTargetException e) {
        throw e.getCause();
      }
    }

    private Object target() {
      if (BUILDERS.containsKey(owner())) {
        return BUILDERS.get(owner()).get();
      }
      return owner() == SyncEngine.class ? engine() : sample(owner());
    }

    @Nullable Object[] good() {
      Object[] arguments = new Object[arguments()];
      for (int i = 0; i < arguments.length; i++) {
        arguments[i] = sample(executable.getGenericParameterTypes()[i]);
      }
      if (name().equals("HttpDestination.outcome")) {
        arguments[0] = 422; // a status, which the sample of a number is not
      }
      return arguments;
    }

    @Override
    public String toString() {
      return name() + Stream.of(executable.getParameterTypes()).map(Class::getSimpleName).toList();
    }

    String name() {
      Class<?> outer = owner().getEnclosingClass();
      String type = BUILDERS.containsKey(owner()) ? outer.getSimpleName() : owner().getSimpleName();
      return executable instanceof Method ? type + "." + executable.getName() : "new " + type;
    }
  }

  static List<Class<?>> exported() throws Exception {
    List<Class<?>> types = new ArrayList<>();
    Path classes = Path.of(Sync.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    for (Package each : EXPORTED) {
      Path folder = classes.resolve(each.getName().replace('.', '/'));
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : files.sorted().toList()) {
          String name = file.getFileName().toString();
          if (name.endsWith(".class") && !name.equals("package-info.class")) {
            Class<?> type = Class.forName(each.getName() + "." + name.replace(".class", ""));
            if (isPublic(type)) {
              types.add(type);
            }
          }
        }
      }
    }
    return types;
  }

  private static boolean isPublic(Class<?> type) {
    Class<?> outer = type.getEnclosingClass();
    return Modifier.isPublic(type.getModifiers()) && (outer == null || isPublic(outer));
  }

  static List<Callable> callables() throws Exception {
    List<Callable> callables = new ArrayList<>();
    for (Class<?> type : exported()) {
      Stream<Executable> all =
          Stream.concat(Stream.of(type.getConstructors()), Stream.of(type.getDeclaredMethods()));
      all.filter(each -> Modifier.isPublic(each.getModifiers()))
          .filter(each -> each.getParameterCount() > 0 && !each.isSynthetic())
          .filter(each -> !each.getName().equals("equals") && !each.getName().equals("valueOf"))
          .filter(each -> Modifier.isStatic(each.getModifiers()) || !IMPLEMENTED.contains(type))
          .map(Callable::new)
          .forEach(callables::add);
    }
    return callables;
  }

  static Stream<Callable> setters() throws Exception {
    return callables().stream().filter(Callable::isSetter);
  }

  @Test
  void theScanFindsWhatIsPublic() throws Exception {
    assertThat(exported())
        .contains(Sync.class, Sync.Builder.class, SyncEngine.class, Verdict.Rejected.class)
        .doesNotContain(Checks.class);
    assertThat(callables())
        .extracting(Callable::toString)
        .contains(
            "Sync.planExpiry[Duration]",
            "Source.of[DataSource, Builder]",
            "SyncEngine.explain[Sync, Object, Object[]]",
            "new NotAppliedException[String, Duration]",
            "Destination.of[String, Writer]");
  }

  @Test
  void everyBuilderIsKnown() throws Exception {
    assertThat(exported())
        .filteredOn(type -> type.getSimpleName().equals("Builder"))
        .allMatch(BUILDERS::containsKey);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("callables")
  void nullIsRefusedByName(Callable callable) {
    for (int i = 0; i < callable.arguments(); i++) {
      Object[] arguments = callable.good();
      arguments[i] = null;
      int argument = i;
      if (callable.isNullable(i)) {
        if (!callable.executable().getParameterTypes()[i].isPrimitive()) {
          assertThatCode(() -> callable.call(arguments))
              .as("%s takes null as argument %s", callable, argument)
              .satisfiesAnyOf(
                  thrown -> assertThat(thrown).isNull(),
                  thrown -> assertThat(thrown).isInstanceOf(FulmarException.class));
        }
      } else if (callable.isHeldToRefuseNull()) {
        assertThatThrownBy(() -> callable.call(arguments))
            .as("%s with null as argument %s", callable, argument)
            .isExactlyInstanceOf(NullPointerException.class)
            .hasMessageMatching(NAME.pattern());
      } else {
        outcome(callable, arguments);
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("callables")
  void whatIsInAListIsLookedAtToo(Callable callable) {
    for (int i = 0; i < callable.arguments(); i++) {
      Class<?> type = callable.executable().getParameterTypes()[i];
      Object[] arguments = callable.good();
      if (type.isArray()) {
        arguments[i] = java.lang.reflect.Array.newInstance(type.getComponentType(), 1);
      } else if (type == Set.class) {
        arguments[i] = Collections.singleton(null);
      } else if (Collection.class.isAssignableFrom(type)) {
        arguments[i] = Arrays.asList((Object) null);
      } else if (type == Map.class) {
        Map<@Nullable Object, @Nullable Object> map = new HashMap<>();
        map.put("id", null);
        arguments[i] = map;
      } else {
        continue;
      }
      AnnotatedType annotated = callable.executable().getAnnotatedParameterTypes()[i];
      assertThat(
              annotated instanceof AnnotatedArrayType array
                  && array.getAnnotatedGenericComponentType().isAnnotationPresent(Nullable.class))
          .isFalse();
      if (callable.isHeldToRefuseNull()) {
        assertThatThrownBy(() -> callable.call(arguments))
            .as("%s with null in argument %s", callable, i)
            .isExactlyInstanceOf(NullPointerException.class)
            .hasMessageMatching(NAME.pattern());
      } else {
        outcome(callable, arguments);
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("callables")
  void noArgumentLeadsToAnythingElseThanARefusal(Callable callable) {
    for (int i = 0; i < callable.arguments(); i++) {
      Type type = callable.executable().getGenericParameterTypes()[i];
      for (Object value : values(type)) {
        Object[] arguments = callable.good();
        arguments[i] = value;
        Throwable thrown = outcome(callable, arguments);
        boolean measured =
            value instanceof Number && type != Object.class || value instanceof Duration;
        if (measured && thrown instanceof IllegalArgumentException) {
          assertThat(thrown).as("%s with %s", callable, value).hasMessageMatching(BOUNDS);
          assertThat(thrown.getMessage()).endsWith(", is " + value);
        }
      }
    }
  }

  /** What is thrown; null for nothing. */
  private static @Nullable Throwable outcome(Callable callable, @Nullable Object[] arguments) {
    try {
      callable.call(arguments);
      return null;
    } catch (Throwable e) {
      boolean ofEngine = callable.owner() == SyncEngine.class && e instanceof FulmarException;
      boolean declared = callable.declares(e);
      assertThat(
              ofEngine
                  || declared
                  || e instanceof NullPointerException
                  || e instanceof IllegalArgumentException
                  || e instanceof IllegalStateException)
          .as("%s with %s throws %s", callable, cut(Arrays.toString(arguments)), e)
          .isTrue();
      if (callable.isHeldToRefuseNull()) {
        assertThat(e.getMessage()).as("%s", callable).isNotBlank();
      }
      return e;
    }
  }

  private static String cut(String text) {
    return text.substring(0, Math.min(300, text.length()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("setters")
  void boundsAreWhatTheMessageSays(Callable setter) throws Throwable {
    for (int i = 0; i < setter.arguments(); i++) {
      Type type = setter.executable().getGenericParameterTypes()[i];
      if (type != int.class && type != long.class && type != Duration.class) {
        continue;
      }
      Matcher refusal = null;
      for (Object value : values(type)) {
        Object[] arguments = setter.good();
        arguments[i] = value;
        Throwable thrown = outcome(setter, arguments);
        if (thrown != null) {
          refusal = BOUNDS.matcher(thrown.getMessage());
          assertThat(refusal.matches()).as("%s: %s", setter, thrown.getMessage()).isTrue();
        }
      }
      assertThat(refusal).as("%s has bounds", setter).isNotNull();
      String least = Objects.requireNonNullElse(refusal.group(2), refusal.group(4));
      String most = refusal.group(3);
      assertBound(setter, i, type, least, -1);
      if (most != null) {
        assertBound(setter, i, type, most, 1);
      }
    }
  }

  private static void assertBound(Callable setter, int i, Type type, String bound, int beyond)
      throws Throwable {
    Object[] arguments = setter.good();
    arguments[i] = parsed(type, bound, 0);
    setter.call(arguments);
    Object[] refused = setter.good();
    refused[i] = parsed(type, bound, beyond);
    boolean sameAsOff = Duration.ZERO.equals(refused[i]); // zero may have a meaning of its own
    boolean wrapped = ("" + Long.MAX_VALUE).equals(bound);
    if (!wrapped && !sameAsOff) {
      assertThatThrownBy(() -> setter.call(refused))
          .as("%s with %s", setter, refused[i])
          .isExactlyInstanceOf(IllegalArgumentException.class);
    }
  }

  private static Object parsed(Type type, String bound, int more) {
    if (type == Duration.class) {
      return Duration.parse(bound).plusNanos(more);
    }
    long number = Long.parseLong(bound) + more;
    return type == int.class ? (Object) (int) number : (Object) number;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("setters")
  void whatIsAcceptedIsFoundAgain(Callable setter) throws Throwable {
    for (int i = 0; i < setter.arguments(); i++) {
      Type type = setter.executable().getGenericParameterTypes()[i];
      int found = 0;
      for (Object value : values(type)) {
        Object[] arguments = setter.good();
        arguments[i] = value;
        if (outcome(setter, arguments) != null) {
          continue;
        }
        Object built;
        try {
          built = setter.build(arguments);
        } catch (IllegalStateException e) {
          continue; // a conflict with what the base has
        }
        assertThat(NOT_SHOWN.contains(setter.name()) || holds(built, value, 0))
            .as("%s with %s is found in what is built", setter, value)
            .isTrue();
        found++;
      }
      assertThat(found).as("values of argument %s of %s", i, setter).isPositive();
    }
  }

  /** Whether accessors give a value, or each part of it. */
  private static boolean holds(Object built, Object value, int depth) throws Throwable {
    Object[] parts =
        value instanceof Object[] array
            ? array
            : value instanceof Collection<?> list ? list.toArray() : new Object[] {value};
    for (Object part : parts) {
      if (!holdsPart(built, part instanceof Change change ? change.changeId() : part, depth)) {
        return false;
      }
    }
    return true;
  }

  private static boolean holdsPart(@Nullable Object where, Object value, int depth)
      throws Throwable {
    if (where == null || Objects.deepEquals(value, where)) {
      return where != null;
    }
    if (where instanceof String text) {
      // A key is kept as text, a host with its port, and the identity of a table holds its names.
      boolean ofKey = text.equals(value instanceof byte[] ? "\\x0102" : value.toString());
      boolean ofHost = text.equals(value + ":5432");
      return ofKey
          || ofHost
          || (depth == 1 && text.replace("\"\"", "\"").contains(value.toString()));
    }
    if (depth > 3) {
      return false;
    }
    if (where instanceof Collection<?> list) {
      for (Object each : list) {
        if (holdsPart(each, value, depth + 1)) {
          return true;
        }
      }
      return false;
    }
    Package home = where.getClass().getPackage();
    if (home == null || !EXPORTED.contains(home)) {
      return false;
    }
    for (Method accessor : where.getClass().getMethods()) {
      boolean plain =
          accessor.getParameterCount() == 0 && accessor.getDeclaringClass() != Object.class;
      if (plain
          && isPublic(accessor.getDeclaringClass())
          && !Modifier.isStatic(accessor.getModifiers())
          && !List.of("toString", "hashCode").contains(accessor.getName())
          && holdsPart(accessor.invoke(where), value, depth + 1)) {
        return true;
      }
    }
    return false;
  }

  @Test
  void aBuilderThatLacksSomethingSaysWhat() {
    assertRefused(() -> Source.builder().build(), "host(...) is missing");
    assertRefused(() -> Source.builder().host("db").build(), "database(...) is missing");
    assertRefused(() -> Sync.builder("crm").build(), "model(...) is missing");
    assertRefused(() -> Sync.builder("crm").model(model()).build(), "to(...) is missing");
    assertRefused(() -> Mapping.builder().build(), "a mapping needs at least one column");
    assertRefused(() -> Capabilities.builder().build(), "name at least one action");
    assertRefused(() -> PostgresDestination.builder(NOWHERE).build(), "table(...) is missing");
    assertRefused(
        () -> PostgresDestination.builder(NOWHERE).table("a", "b").tombstoneTable("c").build(),
        "tombstoneTable(...) and keepTombstones(...) need sequenceColumn(...)");
    assertRefused(
        () -> source().withoutTls().tlsRootCertificate(Path.of("ca.pem")).build(),
        "tlsRootCertificate(...) and withoutTls() exclude each other");
  }

  private static void assertRefused(Supplier<Object> build, String message) {
    assertThatThrownBy(build::get).isInstanceOf(IllegalStateException.class).hasMessage(message);
  }

  @Test
  void whatWasBuiltStaysWhenItsBuilderGoesOn() throws Exception {
    Sync.Builder syncs = sync();
    Sync first = syncs.remember("a").build();
    Sync second = syncs.remember("b").lanes(7).build();
    assertThat(first.remembered()).containsExactly("a");
    assertThat(first.lanes()).isEqualTo(1);
    assertThat(second.remembered()).containsExactly("a", "b");

    RunOptions.Builder options = RunOptions.builder().key(1);
    RunOptions one = options.build();
    options.key(2).build();
    assertThat(one.keys()).containsExactly(List.of("1"));

    PostgresDestination.Builder tables =
        PostgresDestination.builder(NOWHERE).table("a", "b").maxRows(5);
    PostgresDestination table = tables.build();
    tables.maxRows(6).build();
    assertThat(table.capabilities().maxRows()).isEqualTo(5);
  }

  @Test
  void anEngineIsClosedTwiceAndDoesNothingAfterwards() throws Exception {
    SyncEngine engine = engine();
    engine.close();
    engine.close();
    for (Method method : SyncEngine.class.getDeclaredMethods()) {
      if (method.isSynthetic() || List.of("close", "cancel").contains(method.getName())) {
        continue;
      }
      Object[] arguments = new Callable(method).good();
      assertThatThrownBy(
              () -> {
                try {
                  method.invoke(engine, arguments);
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              })
          .as("%s of a closed engine", method.getName())
          .isExactlyInstanceOf(IllegalStateException.class)
          .hasMessage("the engine is closed");
    }
    assertThatCode(() -> engine.cancel(sync().build())).doesNotThrowAnyException();
    assertThatCode(engine::close).doesNotThrowAnyException();
  }

  /** One value that is good wherever this type is asked for. */
  private static Object sample(Type type) {
    if (type == int.class || type == long.class) {
      return type == int.class ? (Object) 1 : (Object) 1L;
    }
    List<?> all = values(type);
    return type == String.class || type == Duration.class || type == double.class
        ? all.stream().filter(List.of("id", Duration.ofHours(2), 0.25)::contains).findFirst().get()
        : all.get(0);
  }

  private static List<?> values(Type generic) {
    Class<?> type = generic instanceof Class<?> known ? known : raw(generic);
    if (type == int.class) {
      return Stream.concat(
              Stream.of(Integer.MIN_VALUE, Integer.MAX_VALUE),
              NUMBERS.stream().filter(n -> n == n.intValue()).map(Long::intValue))
          .toList();
    } else if (type == long.class) {
      return NUMBERS;
    } else if (type == double.class) {
      return FRACTIONS;
    } else if (type == boolean.class) {
      return List.of(true, false);
    } else if (type == Duration.class) {
      return DURATIONS;
    } else if (type == String.class) {
      return TEXTS;
    } else if (type == String[].class) {
      return List.of(
          new String[] {"more"}, new String[] {}, new String[] {"more", "more"}, new String[] {""});
    } else if (type == JsonLinesDestination.Field[].class) {
      return List.of(JsonLinesDestination.Field.values(), new JsonLinesDestination.Field[] {});
    } else if (type == Action[].class) {
      return List.of(Action.values(), new Action[] {});
    } else if (type == Object[].class) {
      return List.of(new Object[] {1}, new Object[] {}, new Object[] {"a\0b", new byte[] {1, 2}});
    } else if (type == Object.class) {
      return Stream.concat(TEXTS.stream(), Stream.of(7, Long.MAX_VALUE, new byte[] {1, 2}))
          .toList();
    } else if (type.isEnum()) {
      return List.of(type.getEnumConstants());
    } else if (type == Set.class) {
      return List.of(PosixFilePermissions.fromString("rw-r-----"), Set.of());
    } else if (type == List.class || type == Collection.class) {
      Type element = ((java.lang.reflect.ParameterizedType) generic).getActualTypeArguments()[0];
      Object one = element instanceof Class<?> ? sample(element) : List.of("id");
      return List.of(List.of(one), List.of(), List.of(one, one));
    } else if (type == Set.class) {
      Type element = ((java.lang.reflect.ParameterizedType) generic).getActualTypeArguments()[0];
      return List.of(Set.of(sample(element)), Set.of());
    } else if (type == Map.class) {
      Type[] parts = ((java.lang.reflect.ParameterizedType) generic).getActualTypeArguments();
      if (parts[0] != String.class) {
        return List.of(Map.of());
      } else if (parts[1] == String.class) {
        Map<String, String> two = new LinkedHashMap<>();
        two.put("id", "int");
        two.put("x\0", "nonsense; drop table t");
        return List.of(Map.of("id", "int"), Map.of(), two, Map.of("id", ""), Map.of("", "int"));
      }
      boolean ofLists = parts[1] instanceof java.lang.reflect.ParameterizedType;
      return List.of(Map.of("id", ofLists ? List.of("x") : 1L), Map.of());
    }
    Object sample = SAMPLES.get(type);
    if (sample == null && type.isRecord()) {
      sample = made(type);
    }
    if (sample == null) {
      fail("no argument of type %s is known here; add one", generic);
    }
    return List.of(sample);
  }

  private static Class<?> raw(Type type) {
    return type instanceof java.lang.reflect.ParameterizedType parameterized
        ? (Class<?>) parameterized.getRawType()
        : Object.class;
  }

  private static Object made(Class<?> record) {
    RecordComponent[] parts = record.getRecordComponents();
    Object[] arguments = new Object[parts.length];
    Class<?>[] types = new Class<?>[parts.length];
    for (int i = 0; i < parts.length; i++) {
      arguments[i] = sample(parts[i].getGenericType());
      types[i] = parts[i].getType();
    }
    try {
      return record.getConstructor(types).newInstance(arguments);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(record.getName(), e);
    }
  }

  /** What no value can be counted up of. */
  private static final Map<Class<?>, Object> SAMPLES = samples();

  private static Map<Class<?>, Object> samples() {
    Map<Class<?>, Object> samples = new HashMap<>();
    samples.put(Model.class, model());
    samples.put(Model.Table.class, Model.table("rows", "app", "rows"));
    samples.put(Class.class, PublicSurfaceTest.class);
    samples.put(Destination.class, DESTINATION);
    samples.put(Sync.class, sync().build());
    samples.put(Source.class, NOWHERE);
    samples.put(Source.Builder.class, source());
    samples.put(Mapping.class, Mapping.builder().column("id").build());
    samples.put(Mapping.Computation.class, (Mapping.Computation) inputs -> "x");
    samples.put(RunOptions.class, RunOptions.defaults());
    samples.put(Guard.class, (Guard) plan -> Optional.empty());
    samples.put(RunListener.class, (RunListener) event -> {});
    samples.put(RunEvent.class, new RunEvent.Started("crm", 1));
    samples.put(ConsoleProgress.class, ConsoleProgress.to(silent()));
    samples.put(PrintStream.class, silent());
    samples.put(Secret.class, Secret.of("x"));
    samples.put(Path.class, Path.of("somewhere"));
    samples.put(SocketFactory.class, SocketFactory.getDefault());
    samples.put(
        DataSource.class,
        Proxy.newProxyInstance(
            PublicSurfaceTest.class.getClassLoader(),
            new Class<?>[] {DataSource.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "equals" -> proxy == arguments[0];
                  case "hashCode" -> 1;
                  default -> throw new UnsupportedOperationException(method.getName());
                }));
    samples.put(Supplier.class, (Supplier<String>) () -> "x");
    samples.put(ThreadFactory.class, (ThreadFactory) Thread::new);
    samples.put(UnaryOperator.class, UnaryOperator.identity());
    samples.put(Clock.class, Clock.systemUTC());
    samples.put(Instant.class, Instant.EPOCH);
    samples.put(Period.class, Period.of(1, 2, -3));
    samples.put(Class.class, String.class);
    samples.put(Throwable.class, new IOException("x"));
    samples.put(FulmarException.class, new StateException("x"));
    samples.put(SourceException.class, new SourceException("x", null, null));
    samples.put(Row.class, ROW);
    samples.put(Change.class, new Change(Operation.ADDED, ROW, ROW, "0123456789abcdef", 1, 1));
    samples.put(Verdict.class, new Verdict.Accepted());
    samples.put(Writer.class, (Writer) batch -> Delivery.allAccepted());
    samples.put(Capabilities.class, Capabilities.builder().actions(Action.values()).build());
    samples.put(CheckSteps.class, noSteps());
    samples.put(URI.class, URI.create("https://127.0.0.1:1/"));
    samples.put(HttpClient.class, HttpClient.newHttpClient());
    samples.put(HttpDestination.class, http().build());
    samples.put(
        HttpDestination.AnswerReader.class,
        (HttpDestination.AnswerReader) (batch, answer) -> Delivery.allAccepted());
    samples.put(JsonVerdicts.class, JsonVerdicts.builder("items").accepted("ok", "true").build());
    samples.put(
        JsonLinesDestination.class,
        JsonLinesDestination.builder(Path.of("no such directory", "x.jsonl")).build());
    samples.put(
        PostgresDestination.class, PostgresDestination.builder(NOWHERE).table("a", "b").build());
    return samples;
  }

  private static CheckSteps noSteps() {
    return new CheckSteps() {
      @Override
      public boolean step(String name, Look look) {
        return true;
      }

      @Override
      public boolean stepAfter(String needed, String name, Look look) {
        return true;
      }

      @Override
      public Duration remaining() {
        return Duration.ZERO;
      }
    };
  }

  private static PrintStream silent() {
    return new PrintStream(OutputStream.nullOutputStream());
  }
}
