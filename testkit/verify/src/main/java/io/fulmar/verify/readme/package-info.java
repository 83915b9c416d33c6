/** The code that README.md shows, where it compiles and runs. */
@NullMarked
package io.fulmar.verify.readme;

import org.jspecify.annotations.NullMarked;
