/**
 * What one row costs in each hot loop, in time and in bytes that are allocated: JMH over the
 * classes of production; {@link io.fulmar.verify.bench.micro.MicroBenchmarks} is the main class.
 * What is package-private there is reached through a class of the same package beside this one.
 */
@NullMarked
package io.fulmar.verify.bench.micro;

import org.jspecify.annotations.NullMarked;
