package io.fulmar.harness;

import static org.assertj.core.api.Assertions.fail;

import io.fulmar.SyncEngine;
import java.io.IOException;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.Period;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Everything public of some packages that takes an argument, found by scanning them, and what it
 * can be called with. What is new is picked up by itself; what cannot be called for want of an
 * argument fails the test.
 */
public final class PublicSurface {
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

  private final Map<Package, Class<?>> homes = new LinkedHashMap<>();
  private final Set<Class<?>> implemented = new HashSet<>();
  private final Set<String> notShown = new HashSet<>();
  private Predicate<Class<?>> strict = type -> false;
  private final Map<Class<?>, Supplier<Object>> builders = new HashMap<>();
  private final Map<Class<?>, Object> samples = plainSamples();
  private final Map<String, Map<Integer, Object>> chosen = new HashMap<>();
  private final List<Class<?>> inherited = new ArrayList<>();
  private final Class<? extends SyncEngine> engineType;
  private final Supplier<SyncEngine> engine;

  private PublicSurface(Class<? extends SyncEngine> engineType, Supplier<SyncEngine> engine) {
    this.engineType = engineType;
    this.engine = engine;
  }

  /**
   * A surface without packages.
   *
   * @param engineType whose methods are called on an engine
   * @param engine makes one that connects to nothing
   */
  public static PublicSurface of(
      Class<? extends SyncEngine> engineType, Supplier<SyncEngine> engine) {
    return new PublicSurface(engineType, engine);
  }

  /** The package of a type, where that is compiled to. */
  public PublicSurface packageOf(Class<?> type) {
    homes.put(type.getPackage(), type);
    return this;
  }

  /** Types that applications and destinations implement, so that nothing of ours is called. */
  public PublicSurface implemented(Class<?>... types) {
    implemented.addAll(List.of(types));
    return this;
  }

  /** Types of other packages whose methods are called on the engine as well. */
  public PublicSurface inherited(Class<?> type) {
    inherited.add(type);
    return this;
  }

  /** Settings that what is built does not show. */
  public PublicSurface notShown(String... names) {
    notShown.addAll(List.of(names));
    return this;
  }

  /** Types whose constructors are held to refuse null, as methods always are. */
  public PublicSurface strict(Predicate<Class<?>> types) {
    strict = types;
    return this;
  }

  /** What a builder has before the setter that is tested is called. */
  public PublicSurface builder(Class<?> type, Supplier<Object> base) {
    builders.put(type, base);
    return this;
  }

  /** A value of a type that no values can be counted up of. */
  public PublicSurface sample(Class<?> type, Object value) {
    samples.put(type, value);
    return this;
  }

  /** A good value for one argument, where the sample of its type is none. */
  public PublicSurface argument(String name, int index, Object value) {
    chosen.computeIfAbsent(name, any -> new HashMap<>()).put(index, value);
    return this;
  }

  boolean isBuilder(Class<?> type) {
    return builders.containsKey(type);
  }

  boolean isShown(String name) {
    return !notShown.contains(name);
  }

  boolean isExported(@Nullable Package home) {
    return homes.containsKey(home);
  }

  SyncEngine engine() {
    return engine.get();
  }

  /** What is asked of an engine, less what a closed one takes as well. */
  List<Callable> ofEngine() {
    return Stream.of(engineType.getMethods())
        .filter(each -> !Modifier.isStatic(each.getModifiers()) && !each.isSynthetic())
        .filter(each -> !List.of("close", "cancel").contains(each.getName()))
        .map(Callable::new)
        .toList();
  }

  /** A public method or constructor. */
  public final class Callable {
    private final Executable executable;

    Callable(Executable executable) {
      this.executable = executable;
    }

    Executable executable() {
      return executable;
    }

    Class<?> owner() {
      return executable.getDeclaringClass();
    }

    int arguments() {
      return executable.getParameterCount();
    }

    boolean isSetter() {
      return isBuilder(owner()) && executable instanceof Method;
    }

    boolean isOfEngine() {
      return SyncEngine.class.isAssignableFrom(owner());
    }

    boolean isHeldToRefuseNull() {
      return executable instanceof Method || strict.test(owner());
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
          if (target instanceof SyncEngine open) {
            open.close();
          }
        }
      } catch (InvocationTargetException e) {
        throw e.getCause();
      }
    }

    /** As {@link #call}, on an engine of the caller. */
    Object callOn(SyncEngine target, @Nullable Object... arguments) throws Throwable {
      try {
        return ((Method) executable).invoke(target, arguments);
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
      if (isBuilder(owner())) {
        return builders.get(owner()).get();
      }
      return isOfEngine() ? engine() : sample(owner());
    }

    @Nullable Object[] good() {
      @Nullable Object[] arguments = new @Nullable Object[arguments()];
      Map<Integer, Object> own = chosen.getOrDefault(name(), Map.of());
      for (int i = 0; i < arguments.length; i++) {
        Object value = own.get(i);
        arguments[i] = value != null ? value : sample(executable.getGenericParameterTypes()[i]);
      }
      return arguments;
    }

    String name() {
      Class<?> outer = owner().getEnclosingClass();
      String type = isBuilder(owner()) ? outer.getSimpleName() : owner().getSimpleName();
      return executable instanceof Method ? type + "." + executable.getName() : "new " + type;
    }

    @Override
    public String toString() {
      return name() + Stream.of(executable.getParameterTypes()).map(Class::getSimpleName).toList();
    }
  }

  /** The public types of the packages. */
  public List<Class<?>> exported() {
    List<Class<?>> types = new ArrayList<>();
    homes.forEach(
        (each, type) -> {
          try {
            Path home = Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
            if (Files.isDirectory(home)) {
              types.addAll(exported(home, each));
            } else {
              try (FileSystem jar = FileSystems.newFileSystem(home)) {
                types.addAll(exported(jar.getPath("/"), each));
              }
            }
          } catch (IOException | URISyntaxException | ClassNotFoundException e) {
            throw new AssertionError(each.getName(), e);
          }
        });
    return types;
  }

  private static List<Class<?>> exported(Path classes, Package each)
      throws IOException, ClassNotFoundException {
    List<Class<?>> types = new ArrayList<>();
    try (Stream<Path> files = Files.list(classes.resolve(each.getName().replace('.', '/')))) {
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
    return types;
  }

  static boolean isPublic(Class<?> type) {
    Class<?> outer = type.getEnclosingClass();
    return Modifier.isPublic(type.getModifiers()) && (outer == null || isPublic(outer));
  }

  /** What takes arguments. */
  public List<Callable> callables() {
    List<Callable> callables = new ArrayList<>();
    for (Class<?> type : Stream.concat(exported().stream(), inherited.stream()).toList()) {
      Stream<Executable> all =
          Stream.concat(Stream.of(type.getConstructors()), Stream.of(type.getDeclaredMethods()));
      all.filter(each -> Modifier.isPublic(each.getModifiers()))
          .filter(each -> each.getParameterCount() > 0 && !each.isSynthetic())
          .filter(each -> !each.getName().equals("equals") && !each.getName().equals("valueOf"))
          .filter(each -> Modifier.isStatic(each.getModifiers()) || !implemented.contains(type))
          .map(Callable::new)
          .forEach(callables::add);
    }
    return callables;
  }

  /** One value that is good wherever this type is asked for. */
  Object sample(Type type) {
    if (type == int.class || type == long.class) {
      return type == int.class ? (Object) 1 : (Object) 1L;
    }
    List<?> all = values(type);
    return type == String.class || type == Duration.class || type == double.class
        ? all.stream().filter(List.of("id", Duration.ofHours(2), 0.25)::contains).findFirst().get()
        : all.get(0);
  }

  List<?> values(Type generic) {
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
    } else if (type.isArray() && type.getComponentType().isEnum()) {
      return List.of(type.getComponentType().getEnumConstants(), none(type.getComponentType()));
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
      Type element = ((ParameterizedType) generic).getActualTypeArguments()[0];
      Object one = element instanceof Class<?> ? sample(element) : List.of("id");
      return List.of(List.of(one), List.of(), List.of(one, one));
    } else if (type == Set.class) {
      Type element = ((ParameterizedType) generic).getActualTypeArguments()[0];
      return List.of(Set.of(sample(element)), Set.of());
    } else if (type == Map.class) {
      Type[] parts = ((ParameterizedType) generic).getActualTypeArguments();
      if (parts[0] != String.class) {
        return List.of(Map.of());
      } else if (parts[1] == String.class) {
        Map<String, String> two = new LinkedHashMap<>();
        two.put("id", "int");
        two.put("x\0", "nonsense; drop table t");
        return List.of(Map.of("id", "int"), Map.of(), two, Map.of("id", ""), Map.of("", "int"));
      }
      boolean ofLists = parts[1] instanceof ParameterizedType;
      return List.of(Map.of("id", ofLists ? List.of("x") : 1L), Map.of());
    }
    Object sample = samples.get(type);
    if (sample == null && type.isRecord()) {
      sample = made(type);
    }
    if (sample == null) {
      fail("no argument of type %s is known here; add one", generic);
    }
    return List.of(sample);
  }

  private static Object none(Class<?> element) {
    return Array.newInstance(element, 0);
  }

  private static Class<?> raw(Type type) {
    return type instanceof ParameterizedType parameterized
        ? (Class<?>) parameterized.getRawType()
        : Object.class;
  }

  private Object made(Class<?> record) {
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

  private static Map<Class<?>, Object> plainSamples() {
    Map<Class<?>, Object> samples = new HashMap<>();
    samples.put(Path.class, Path.of("somewhere"));
    samples.put(Supplier.class, (Supplier<String>) () -> "x");
    samples.put(ThreadFactory.class, (ThreadFactory) Thread::new);
    samples.put(Consumer.class, (Consumer<Object>) each -> {});
    samples.put(UnaryOperator.class, UnaryOperator.identity());
    samples.put(Clock.class, Clock.systemUTC());
    samples.put(Instant.class, Instant.EPOCH);
    samples.put(Period.class, Period.of(1, 2, -3));
    samples.put(Class.class, String.class);
    samples.put(Throwable.class, new IOException("x"));
    samples.put(URI.class, URI.create("https://127.0.0.1:1/"));
    return samples;
  }
}
