import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

// Sizes of STYLE: a function fits one screen, a file holds one idea. Constructors may take five
// parameters because an injected service is not a flag.
const tooManyParameters = [
  {
    selector: ':matches(FunctionDeclaration, ArrowFunctionExpression)[params.length>4]',
    message: 'At most 4 parameters: pass one readonly object.',
  },
  {
    selector: 'MethodDefinition[kind!="constructor"] > FunctionExpression[params.length>4]',
    message: 'At most 4 parameters: pass one readonly object.',
  },
  {
    selector: 'MethodDefinition[kind="constructor"] > FunctionExpression[params.length>5]',
    message: 'At most 5 injected services: this class has two jobs.',
  },
];

const unwantedSyntax = [
  { selector: 'TSEnumDeclaration', message: 'Use a union of string literals.' },
  { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
];

export default defineConfig(
  globalIgnores([
    'dist',
    'coverage',
    'artifacts',
    '.sluice',
    'console/dist',
    'console/src/api/schema.d.ts',
  ]),
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'max-depth': ['error', 3],
      'no-restricted-syntax': ['error', ...tooManyParameters, ...unwantedSyntax],
      'no-console': 'error',
      eqeqeq: 'error',
      // Files with decorators are left alone by this rule while emitDecoratorMetadata is on: an injected
      // class that is imported as a type compiles and then fails at boot.
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      // Nest declares its option bags as classes
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['console/src/**/*.{ts,tsx}'],
    extends: [reactHooks.configs.flat['recommended-latest']],
    // handlers that return what a setter returns are how React is written
    rules: { '@typescript-eslint/no-confusing-void-expression': 'off' },
  },
  {
    files: ['demo/**/*.ts', 'bench/**/*.ts', 'test/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // A describe block is a chapter, not a function; answers over HTTP are untyped until asserted.
    files: ['test/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 500 }],
      'max-lines-per-function': 'off',
      'max-depth': ['error', 4],
      'no-restricted-syntax': ['error', ...unwantedSyntax],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    ignores: ['test/support/property.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          name: 'fast-check',
          message: 'take `fc` from test/support/property.ts: it sets the seed',
        },
      ],
    },
  },
  {
    // Tool configurations have to export by default.
    files: ['*.config.ts', 'console/*.config.ts', 'test/support/*.{global,reporter}.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', module: 'writable', URL: 'readonly' },
    },
  },
);
